//! The `ktape` command.

// musl's own is several times slower under threads; that of glibc keeps memory that was freed.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    ktape::cli::main()
}
