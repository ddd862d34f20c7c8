//! The library from a command line: `module new LANGUAGE NAME FOLDER`, `module build FOLDER`,
//! `module test FOLDER`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["new", language, name, folder] => language
            .parse()
            .and_then(|language| host_toolchain::create(language, name, Path::new(folder)).map_err(|e| e.to_string())),
        ["build", folder] => host_toolchain::build(Path::new(folder))
            .map(|made| println!("{}", made.display()))
            .map_err(|e| e.to_string()),
        ["test", folder] => host_toolchain::test(Path::new(folder)).map_err(|e| e.to_string()),
        _ => Err("say `new LANGUAGE NAME FOLDER`, `build FOLDER` or `test FOLDER`".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}
