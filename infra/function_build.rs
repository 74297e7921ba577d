//! Links what is deployed to fixed addresses: a start then relocates no pointers, of which there are 27,000, and writes to none of their pages.

#![allow(clippy::print_stdout, reason = "Cargo reads it")]

fn main() {
    println!("cargo::rerun-if-changed=../../infra/function_build.rs");
    // Databases in files are for machines that need not be Linux.
    if cfg!(not(feature = "sqlite")) {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
