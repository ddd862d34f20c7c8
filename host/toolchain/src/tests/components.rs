//! A core module becomes a component that imports nothing but the contract, or is refused with what is wrong.

use crate::component::{check, of_core};

/// A core module with the functions of the contract and one more import.
fn core(import: &str, process: &str) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(module
            {import}
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
            (func (export "configure") (param i32 i32 i32) (result i32) (i32.const 0))
            (func (export "{process}")
                (param i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 0)))"#
    ))
    .expect("it is a module")
}

fn wasi(name: &str, signature: &str) -> String {
    format!(r#"(import "wasi_snapshot_preview1" "{name}" (func $f {signature})) (export "used" (func $f))"#)
}

#[test]
fn what_a_runtime_wants_of_wasi_is_answered_inside() {
    for (name, signature) in [
        ("fd_write", "(param i32 i32 i32 i32) (result i32)"),
        ("clock_time_get", "(param i32 i64 i32) (result i32)"),
        ("random_get", "(param i32 i32) (result i32)"),
        ("sock_accept", "(param i32 i32 i32) (result i32)"),
        ("tidegate_set_now", "(param i64)"),
    ] {
        let component = of_core(&core(&wasi(name, signature), "process")).expect(name);
        check(&component).expect(name);
    }
}

#[test]
fn what_is_no_part_of_the_contract_is_refused_by_its_name() {
    let error =
        of_core(&core(r#"(import "env" "gettimeofday" (func))"#, "process")).expect_err("there is no such import");
    assert!(error.to_string().contains("env"), "{error}");
}

#[test]
fn a_module_without_a_function_of_the_contract_is_refused_by_its_name() {
    let error = of_core(&core("", "proces")).expect_err("there is no process");
    assert!(error.to_string().contains("process"), "{error}");
}
