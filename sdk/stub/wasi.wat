;; What a language's runtime asks of WASI preview 1, answered inside the component: a module built for wasip1 imports nothing
;; of the host but the contract. There is no authority in it and nothing that differs from one run to the next:
;; - there are no arguments, no environment, no files and no sockets; what is written to a file descriptor is discarded;
;; - the wall clock tells what the SDK set by `tidegate_set_now`, the context's `now`; a monotonic one counts its readings;
;; - random bytes are a fixed sequence: no secret, and no protection from colliding keys.
(module
  (import "env" "memory" (memory 0))

  (global $now (mut i64) (i64.const 0))
  (global $readings (mut i64) (i64.const 1000000000))
  (global $random (mut i64) (i64.const 0x9E3779B97F4A7C15))

  ;; errno: 0 is success, 8 is EBADF, 52 is ENOSYS.

  (func (export "tidegate_set_now") (param $nanoseconds i64)
    (global.set $now (local.get $nanoseconds)))

  ;; Go's runtime says when it must not be interrupted by a call to the host; here is none.
  (func (export "adapter_monotonic_clock_set_paused") (param i32))

  (func $advance (param $nanoseconds i64) (result i64)
    (global.set $readings (i64.add (global.get $readings) (local.get $nanoseconds)))
    (global.get $readings))

  (func (export "clock_time_get") (param $clock i32) (param $precision i64) (param $out i32) (result i32)
    (if (i32.eqz (local.get $clock))
      (then (i64.store (local.get $out) (global.get $now)))
      (else (i64.store (local.get $out) (call $advance (i64.const 1000)))))
    (i32.const 0))
  (func (export "clock_res_get") (param $clock i32) (param $out i32) (result i32)
    (i64.store (local.get $out) (i64.const 1000))
    (i32.const 0))

  ;; Who waits is told at once that the time is over: nothing else will ever happen here.
  (func (export "poll_oneoff")
    (param $subscriptions i32) (param $events i32) (param $count i32) (param $out i32) (result i32)
    (local $at i32)
    (drop (call $advance (i64.const 10000000)))
    (block $done
      (loop $each
        (br_if $done (i32.ge_u (local.get $at) (local.get $count)))
        (i64.store
          (i32.add (local.get $events) (i32.mul (local.get $at) (i32.const 32)))
          (i64.load (i32.add (local.get $subscriptions) (i32.mul (local.get $at) (i32.const 48)))))
        (i64.store offset=8 (i32.add (local.get $events) (i32.mul (local.get $at) (i32.const 32))) (i64.const 0))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $each)))
    (i32.store (local.get $out) (local.get $count))
    (i32.const 0))
  (func (export "sched_yield") (result i32) (i32.const 0))

  (func (export "random_get") (param $at i32) (param $length i32) (result i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (block $done
      (loop $each
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (global.set $random
          (i64.add (i64.mul (global.get $random) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))
        (i32.store8 (local.get $at) (i32.wrap_i64 (i64.shr_u (global.get $random) (i64.const 33))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $each)))
    (i32.const 0))

  ;; Who ends ends the call, as a trap.
  (func (export "proc_exit") (param $code i32) unreachable)
  (func (export "proc_raise") (param $signal i32) (result i32) (i32.const 52))

  (func $none (param $count i32) (param $size i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $size) (i32.const 0))
    (i32.const 0))
  (func $nothing (param i32 i32) (result i32) (i32.const 0))
  (export "args_sizes_get" (func $none))
  (export "args_get" (func $nothing))
  (export "environ_sizes_get" (func $none))
  (export "environ_get" (func $nothing))

  ;; Standard output and error take all that is written, and keep nothing of it.
  (func (export "fd_write") (param $fd i32) (param $parts i32) (param $count i32) (param $out i32) (result i32)
    (local $written i32)
    (block $done
      (loop $each
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $written (i32.add (local.get $written) (i32.load offset=4 (local.get $parts))))
        (local.set $parts (i32.add (local.get $parts) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $each)))
    (i32.store (local.get $out) (local.get $written))
    (i32.const 0))
  (func (export "fd_fdstat_get") (param $fd i32) (param $out i32) (result i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const 8))))
    ;; A character device, without flags and without rights.
    (i64.store (local.get $out) (i64.const 2))
    (i64.store offset=8 (local.get $out) (i64.const 0))
    (i64.store offset=16 (local.get $out) (i64.const 0))
    (i32.const 0))
  (func (export "fd_fdstat_set_flags") (param i32 i32) (result i32) (i32.const 0))

  ;; There is no other file descriptor.
  (func $bad1 (param i32) (result i32) (i32.const 8))
  (func $bad2 (param i32 i32) (result i32) (i32.const 8))
  (func $bad3 (param i32 i32 i32) (result i32) (i32.const 8))
  (func $bad4 (param i32 i32 i32 i32) (result i32) (i32.const 8))
  (func $bad5 (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (export "fd_close" (func $bad1))
  (export "fd_datasync" (func $bad1))
  (export "fd_sync" (func $bad1))
  (export "fd_filestat_get" (func $bad2))
  (export "fd_prestat_get" (func $bad2))
  (export "fd_tell" (func $bad2))
  (export "fd_prestat_dir_name" (func $bad3))
  (export "path_create_directory" (func $bad3))
  (export "path_remove_directory" (func $bad3))
  (export "path_unlink_file" (func $bad3))
  (export "fd_read" (func $bad4))
  (export "fd_readdir" (func $readdir))
  (export "path_filestat_get" (func $bad5))
  (func $readdir (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_pread") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_pwrite") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) (i32.const 8))
  (func (export "fd_advise") (param i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_allocate") (param i32 i64 i64) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_rights") (param i32 i64 i64) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_times") (param i32 i64 i64 i32) (result i32) (i32.const 8))
  (export "fd_renumber" (func $bad2))
  (export "sock_shutdown" (func $bad2))
  (export "sock_accept" (func $bad3))
  (export "path_symlink" (func $bad5))
  (export "sock_send" (func $bad5))
  (func (export "sock_recv") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "path_readlink") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_rename") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (i32.const 8)))
