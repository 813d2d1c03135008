#![no_main]

use godwit_fuzz::measured;
use godwit_samples::law;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| law::lldp(data, measured));
