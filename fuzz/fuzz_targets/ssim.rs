#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| loadmaster_fuzz::readers::ssim::check(data));
