//! The fuzzer: all entries in one program, the first byte of the input says which. `XUNJIAN_SEEDS=DIR` writes the seeds
//! there and ends.

#![no_main]

use std::{env, fs, path::PathBuf, process};

use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: {
        if let Some(dir) = env::var_os("XUNJIAN_SEEDS").map(PathBuf::from) {
            let write = || xunjian_fuzz::seeds().iter().try_for_each(|it| fs::write(dir.join(&it.name), &it.input));
            write().expect("the folder of seeds can be written");
            process::exit(0);
        }
    },
    |input: &[u8]| xunjian_fuzz::read(input)
);
