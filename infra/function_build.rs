//! Links what is deployed to fixed addresses: a start then relocates no pointers, of which there are 27,000, and writes to none of their pages. Where a
//! panic ends the process, no table says how to unwind a stack.

#![allow(clippy::print_stdout, reason = "Cargo reads it")]

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=../../infra/function_build.rs");
    println!("cargo::rerun-if-changed=../../infra/no_unwind_tables.ld");
    // Databases in files are for machines that need not be Linux.
    if cfg!(feature = "sqlite") {
        return;
    }
    println!("cargo::rustc-link-arg-bins=-no-pie");
    if option_env!("FUNCTION_PANIC") == Some("abort") {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/no_unwind_tables.ld");
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
    }
}
