#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ktape_fuzz::targets::target("secrets")(data));
