/* record_names.h - the recorder's own names, as the linker sees them.
 *
 * Linked into a program, they must not be that program's: it may have a now(), or
 * a put(), of its own. tests/linked.bats looks that none is missing. */
#ifndef RECORD_NAMES_H
#define RECORD_NAMES_H

#define be_quiet ladder_be_quiet
#define begin ladder_begin
#define code_offset ladder_code_offset
#define copy_bytes ladder_copy_bytes
#define data_shown ladder_data_shown
#define ends ladder_ends
#define ends_with ladder_ends_with
#define error_name ladder_error_name
#define error_number ladder_error_number
#define event ladder_event
#define fault_datagram ladder_fault_datagram
#define fault_find ladder_fault_find
#define fault_flush ladder_fault_flush
#define fault_moved ladder_fault_moved
#define fault_sleep ladder_fault_sleep
#define fault_strikes ladder_fault_strikes
#define faults_begin ladder_faults_begin
#define faults_on ladder_faults_on
#define file_keep ladder_file_keep
#define file_of ladder_file_of
#define file_refresh ladder_file_refresh
#define is_log ladder_is_log
#define is_nonblocking ladder_is_nonblocking
#define is_told ladder_is_told
#define log_fd ladder_log_fd
#define move_high ladder_move_high
#define move_log ladder_move_log
#define note_stack ladder_note_stack
#define now ladder_now
#define own_tid ladder_own_tid
#define plain_read ladder_plain_read
#define plain_write ladder_plain_write
#define put ladder_put
#define put_address ladder_put_address
#define put_call_flags ladder_put_call_flags
#define put_flags ladder_put_flags
#define put_hex ladder_put_hex
#define put_number ladder_put_number
#define put_quoted ladder_put_quoted
#define put_signal ladder_put_signal
#define put_text ladder_put_text
#define put_way ladder_put_way
#define real_function ladder_real_function
#define recording ladder_recording
#define same ladder_same
#define stdio_flush ladder_stdio_flush
#define system_close ladder_system_close
#define system_command_line ladder_system_command_line
#define system_copy ladder_system_copy
#define system_flags ladder_system_flags
#define system_image ladder_system_image
#define system_inode ladder_system_inode
#define system_limit ladder_system_limit
#define system_name ladder_system_name
#define system_open ladder_system_open
#define system_parent ladder_system_parent
#define system_pid ladder_system_pid
#define system_program ladder_system_program
#define system_read ladder_system_read
#define system_sleep_until ladder_system_sleep_until
#define system_socket_type ladder_system_socket_type
#define system_thread ladder_system_thread
#define system_write ladder_system_write
#define system_yield ladder_system_yield
#define tell_format ladder_tell_format
#define tell_output ladder_tell_output
#define tell_print ladder_tell_print
#define threads_begin ladder_threads_begin
#define waits ladder_waits

#endif
