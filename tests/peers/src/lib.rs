//! Nothing but benchmarks: `cargo bench --manifest-path tests/peers/Cargo.toml`.
