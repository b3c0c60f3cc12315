# Every verb that a person types. `make` says where you are, `make help` lists
# the verbs. GNU make 3.81 is enough; names are relative, so that the project
# may lie in any folder, also in one with a space in its name.

CFLAGS ?= -O2 -g
# Frame pointers: the recorder tells by them which function made a call.
BASE = -std=gnu11 -pthread -Ilib -Wall -Wextra -fno-omit-frame-pointer \
       -fno-optimize-sibling-calls
ASAN = -fsanitize=address,undefined -fno-sanitize-recover=undefined \
       -fno-omit-frame-pointer
# -O0: a race shows on a variable that -O2 keeps in a register, and
# putc_unlocked(3) under flockfile(3) is not taken for one.
TSAN = -fsanitize=thread -O0
WAY = -fsanitize-coverage=trace-pc -O0

NAMES := $(sort $(notdir $(patsubst %/,%,$(wildcard exercises/*/))))
NUMBERS := $(foreach n,$(NAMES),$(firstword $(subst -, ,$n)))
programs = $(patsubst %.c,build/%,$(wildcard $1/*.c))
# How the recorder comes into a program: it is loaded (LD_PRELOAD), or linked
# into a second build of it, where that is not to be had (macOS).
ifndef RECORD
RECORD := $(if $(filter Linux,$(shell uname)),loaded,linked)
endif
export RECORD
linked = $(if $(filter linked,$(RECORD)),$(patsubst build/%,build/linked/%, \
    $(call programs,$1)))
HELPERS := $(patsubst tests/%.c,build/%.o,$(wildcard tests/support/*.c))
LAUNCH := $(filter build/support/launch%,$(HELPERS))
PEER := $(filter-out $(LAUNCH),$(HELPERS))
LINKED := $(basename $(filter %/launch.o %/peer.o,$(HELPERS)))
SUPPORT := $(LINKED) $(if $(LINKED),build/trace/recorder)
RECORDER := $(wildcard tools/trace/record*.[ch] tools/trace/faults*.[ch])
RECORD_PARTS := $(patsubst tools/trace/%.c,build/trace/%.o, \
    $(filter %.c,$(RECORDER)))
LADDER := $(filter-out $(RECORDER),$(wildcard tools/trace/*.[ch])) \
          $(wildcard tests/support/source.[ch])
EVERY := $(foreach n,$(NAMES),$(call programs,solutions/$n)) $(SUPPORT)

MAKEFLAGS += -r
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := where

## make            where you are: each exercise with its state, and what is next
## make exNN       compile exercise NN and check it, up to the first failure
##                 (V=1: all failures, and the raw TAP)
## make runNN      start exercise NN's program (ARGS='...', PROG=client)
## make diffNN     what the solution has in the gaps of exercise NN
## make resetNN    exercise NN as it was; your version is kept (YES=1: no question)
## make solutionNN the checks of exercise NN on its solution
## make traceNN    run exercise NN with its clients and draw their calls; the
##                 picture is in build/trace/ too (TREE=solutions; LIVE=1: yours)
## make faultsNN   the checks of NN while calls are cut short, interrupted, fail
##                 (TREE=solutions; V=1: the first failure under each in full)
## make raceNN     your server of NN beside ours, nginx, python and others
# Where these cannot be made, what needs them is left out.
try = $(if $1,@$(MAKE) -s $1 >/dev/null 2>&1 || :)
define verbs
.PHONY: ex$1 run$1 diff$1 reset$1 solution$1 trace$1 faults$1 race$1
ex$1: $$(call programs,exercises/$2) $$(SUPPORT)
	$$(call try,$$(call linked,exercises/$2))
	@tools/check $2 build/exercises/$2
solution$1: $$(call programs,solutions/$2) $$(SUPPORT)
	$$(call try,$$(call linked,solutions/$2))
	@tools/check $2 build/solutions/$2
run$1: $$(call programs,exercises/$2)
	@tools/run $2 $$(ARGS)
diff$1:
	@tools/diff $2
reset$1:
	@tools/reset $2
trace$1:
	@tools/trace/scene $2
faults$1:
	@tools/faults $2
race$1: $$(call programs,exercises/$2)
	@tools/race/race $1
endef
$(foreach n,$(NAMES),$(eval $(call verbs,$(firstword $(subst -, ,$n)),$n)))

## make notes      the drawings of slides-notes/, anew from the solutions
.PHONY: notes
notes: $(SUPPORT)
	@tools/trace/notes

.PHONY: where help test mutants variants unsolved asan tsan lint bench race
.PHONY: hostile fuzz compdb clean setup
where:
	@tools/where
## make help       this list
help:
	@sed -n 's/^## //p' Makefile
## make test       all tests of the toolkit itself; ends with "N passed, N failed"
test: $(EVERY)
	@tools/test
## make mutants    wrong programs: each must fail the check that it names
##                 (ONLY=24 or ONLY=24/T01; MATRIX=1: all checks, as a table)
## make variants   other right programs: each must pass every check (ONLY=24)
mutants variants: $(EVERY)
	@tools/$@
## make unsolved   the exercises as shipped: each must compile and fail
unsolved: $(SUPPORT)
	@tools/unsolved
## make asan       the checks on the solutions, under ASan and UBSan
## make tsan       the checks on the solutions, under ThreadSanitizer
asan tsan: $(SUPPORT)
	@tools/sanitize $@
## make lint       strict warnings, static analysers, shellcheck, format
lint:
	@tools/lint
## make hostile    good and hostile requests to the servers of 27 to 29, built with
##                 ASan and UBSan (N=1000000; ONLY=29; SEED=7)
hostile:
	@tools/hostile
## make fuzz       nonsense for lib/'s parsers, for FUZZ_SECONDS (60) in all
fuzz:
	@tools/fuzz
## make bench      from save to verdict, and what the recorder costs, in time
bench: $(EVERY)
	@tools/bench
## make race       all our web servers beside nginx, python and others, measured
##                 (ROUNDS=5 SECONDS_EACH=1; KEEP=1: the picture of the notes)
race:
	@$(if $(filter $(NUMBERS),$(MAKECMDGOALS)),echo \
	    'One word: make race$(firstword $(filter $(NUMBERS),$(MAKECMDGOALS)))' \
	    >&2; exit 2,tools/race/race)
## make compdb     compile_commands.json, for clangd and editors
compdb:
	@tools/compdb
## make clean      remove build/ (the copies that reset keeps are in build/kept/)
clean:
	@if [ -d build/kept ]; then find build -mindepth 1 -maxdepth 1 \
	    ! -name kept -exec rm -rf {} +; else rm -rf build; fi
## make setup      get what is missing of: compiler, make, bats
setup:
	@tools/setup

# One command makes a program, in a folder of its own, and moves it into place:
# two builds at once never see half a file.
define link
@d=$@.new.$$$$; trap 'rm -rf "$$d"' 0; trap 'exit 130' 1 2 15; mkdir -p $$d && \
$(CC) $(BASE) $(CFLAGS) $(SAN) $(if $(filter build/way/%,$@),$(WAY)) \
    $(CPPFLAGS) -MMD -MP -MF $$d/$(@F).d -MT $@ $< -o $$d/$(@F) \
    $(filter %.o %.a,$^) $(if $(filter $(RECORD_PARTS),$^),$(LINK_IN)) \
    $(LDFLAGS) $(LDLIBS) || { \
    echo "$< does not compile. Start with the first error." >&2; exit 1; }; \
rm -rf $@.dSYM; mv $$d/* $(@D)/
endef
define object
@mkdir -p $(@D)
@$(CC) $(BASE) $(CFLAGS) $(SAN) $(CPPFLAGS) -MMD -MP -MF $@.d -MT $@ \
    -c $< -o $@.$$$$ && mv $@.$$$$ $@
endef

# The flavours: build/, build/asan/, build/tsan/. A program is made from the C
# file of the same name in the tree, or beside it in build/ (mutants, variants).
# The library is an archive: a program that uses none of it gets none of it.
LIBS := $(patsubst %.c,%.o,$(wildcard lib/*.c))
define flavour
$1/lib/%.o: lib/%.c build/flags
	$$(object)
$1/lib/lib.a: $(LIBS:%=$1/%)
	@rm -f $$@.$$$$$$$$; $(AR) rcs $$@.$$$$$$$$ $$^ && mv $$@.$$$$$$$$ $$@
$1/%: %.c $1/lib/lib.a build/flags
	$$(link)
$1/%: build/%.c $1/lib/lib.a build/flags
	$$(link)
endef
build/asan/%: SAN = $(ASAN)
build/tsan/%: SAN = $(TSAN)
build/support/%.o: tests/support/%.c build/flags
	$(object)
build/support/launch: $(LAUNCH)
build/support/peer: $(PEER)
build/trace/record.so: $(RECORDER) build/flags
	@mkdir -p $(@D)
	@$(CC) $(BASE) $(CFLAGS) -fPIC -shared $(filter %.c,$^) -o $@.$$$$ -ldl \
	    && mv $@.$$$$ $@
# Where there can be none, the checks that need it are left out.
build/trace/recorder: $(RECORDER) build/flags
	@rm -f build/trace/record.$(if $(filter linked,$(RECORD)),so,o)
	@$(MAKE) -s $(if $(filter linked,$(RECORD)),$(RECORD_PARTS), \
	    build/trace/record.so) >/dev/null 2>&1 || :; touch $@
$(RECORD_PARTS): build/trace/%.o: tools/trace/%.c \
    $(filter %.h,$(RECORDER)) build/flags
	$(object)

# With -rdynamic linked/way.c finds the recorder; on macOS every program tells
# its names, and begins in record.c's ladder_main().
DARWIN = -Wl,-e,_ladder_main
LINK_IN ?= $(if $(filter Darwin,$(shell uname)),$(DARWIN),-rdynamic -ldl)
build/linked/%: %.c build/lib/lib.a $(RECORD_PARTS) build/flags
	$(link)
build/linked/%: build/%.c build/lib/lib.a $(RECORD_PARTS) build/flags
	$(link)
build/trace/ladder: $(LADDER)
	@mkdir -p $(@D)
	@$(CC) $(BASE) $(CFLAGS) $(filter %.c,$^) -o $@.$$$$ && mv $@.$$$$ $@
$(LINKED):
	@$(CC) $(BASE) $(CFLAGS) $^ -o $@.$$$$ $(LDFLAGS) && mv $@.$$$$ $@
$(foreach f,build/asan build/tsan build,$(eval $(call flavour,$f)))

# Programs that tell the recorder which way they go (linked/way.c); with -O0 that
# is the way through the source.
WAY_PARTS := build/trace/way.o $(if $(filter linked,$(RECORD)),$(RECORD_PARTS))
build/way/%: %.c build/lib/lib.a $(WAY_PARTS) build/flags
	$(link)
build/way/%: build/%.c build/lib/lib.a $(WAY_PARTS) build/flags
	$(link)
build/trace/way.o: tools/trace/linked/way.c build/flags
	$(object)

# Another compiler or other flags: all is built anew.
FLAGS = $(subst ','\'',$(CC) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) $(LDLIBS) \
    $(RECORD))
build/flags: FORCE
	@mkdir -p build; [ '$(FLAGS)' = "`cat $@ 2>/dev/null`" ] || echo '$(FLAGS)' >$@
FORCE:
.PHONY: FORCE

# Not unknown verbs, though make asks for them.
Makefile: ;
%.d: ;
.DEFAULT:
	@tools/unknown '$@' '$(NUMBERS)'

-include $(wildcard $(foreach f,build build/asan build/tsan build/linked \
    build/way,$f/lib/*.d $f/exercises/*/*.d $f/solutions/*/*.d) build/support/*.d)
