#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| clientstore_fuzz::multipart::run(data));
