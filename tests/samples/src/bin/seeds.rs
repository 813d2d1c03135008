//! Writes seeds for the fuzzers: `seeds DIRECTORY` fills `DIRECTORY/TARGET/` for each target of `fuzz/`.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use godwit_openflow::types::Version;
use godwit_samples::seed;

/// Messages for each version and direction.
const COUNT: usize = 400;

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1) else {
        eprintln!("usage: seeds DIRECTORY");
        return ExitCode::from(2);
    };
    match write_all(Path::new(&directory)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("seeds: {}: {error}", directory.display());
            ExitCode::FAILURE
        }
    }
}

fn write_all(directory: &Path) -> io::Result<()> {
    let targets = [
        ("frame", seed::streams(COUNT / 4)),
        ("message_v10", seed::messages(Version::V10, COUNT)),
        ("message_v13", seed::messages(Version::V13, COUNT)),
        ("lldp", seed::lldp_frames()),
        ("packet", seed::packets()),
    ];
    for (target, seeds) in targets {
        let place = directory.join(target);
        fs::create_dir_all(&place)?;
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(place.join(format!("seed-{number:04}")), seed)?;
        }
        println!("{target}: {} seeds", seeds.len());
    }
    Ok(())
}
