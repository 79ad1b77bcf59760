//! The recipes of `docs/testing.md`: they are the files of `examples/testing`, they pass, and they stop the
//! server that they start.

#![cfg(all(feature = "cli", unix))]

#[path = "../examples/testing/clients.rs"]
mod clients;
mod tools;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const DOCS: &str = include_str!("../docs/testing.md");

/// A recipe that is run as its readers run it.
struct Recipe {
    language: &'static str,
    file: &'static str,
    command: &'static str,
    /// What the command needs, and how to find out whether it is there.
    needs: &'static str,
    probe: &'static [&'static str],
    /// What it says when all its tests have run and passed.
    passed: &'static str,
    /// The package that it takes beside what it needs.
    package: Package,
}

/// A package of this repository, which is used from its source.
#[derive(Clone, Copy, PartialEq)]
enum Package {
    None,
    Python,
    JavaScript,
}

const PYTHON_PACKAGED: Recipe = Recipe {
    file: "test_packaged.py",
    command: "python3 -m pytest test_packaged.py",
    package: Package::Python,
    ..PYTHON
};

const JAVASCRIPT_PACKAGED: Recipe = Recipe {
    file: "packaged.test.mjs",
    command: "node --test packaged.test.mjs",
    package: Package::JavaScript,
    ..JAVASCRIPT
};

const PYTHON: Recipe = Recipe {
    language: "python",
    file: "test_clients.py",
    command: "python3 -m pytest test_clients.py",
    needs: "python3 with pytest",
    probe: &["python3", "-m", "pytest", "--version"],
    passed: "4 passed",
    package: Package::None,
};

const JAVASCRIPT: Recipe = Recipe {
    language: "javascript",
    file: "clients.test.mjs",
    command: "node --test clients.test.mjs",
    needs: "node from version 20",
    probe: &["node", "-e", "process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)"],
    passed: "pass 3",
    package: Package::None,
};

const SHELL: Recipe = Recipe {
    language: "sh",
    file: "clients.sh",
    command: "sh clients.sh",
    needs: "curl from version 7.76",
    probe: &["curl", "--fail-with-body", "--version"],
    passed: "all passed",
    package: Package::None,
};

const PHP: Recipe = Recipe {
    language: "php",
    file: "ClientsTest.php",
    command: "phpunit ClientsTest.php",
    needs: "PHPUnit from version 9 and PHP with curl",
    probe: &["sh", "-c", "phpunit --version && php -r 'exit(function_exists(\"curl_init\") ? 0 : 1);'"],
    passed: "OK (3 tests",
    package: Package::None,
};

const JAVA: Recipe = Recipe {
    language: "java",
    file: "ClientsTest.java",
    command: "javac -cp 'junit/*' ClientsTest.java && java -cp 'junit/*:.' \
              org.junit.platform.console.ConsoleLauncher --select-class ClientsTest",
    needs: "a JDK from version 11 and JUnit 5 in /usr/share/java",
    probe: &["sh", "-c", "javac -version && ls /usr/share/java/junit-platform-console.jar"],
    passed: "3 tests successful",
    package: Package::None,
};

/// All that are run as programs of their own.
const RUN: [Recipe; 7] = [PYTHON_PACKAGED, PYTHON, JAVASCRIPT_PACKAGED, JAVASCRIPT, PHP, JAVA, SHELL];

/// What stands for `clientstore` on the path.
const REAL: &str = concat!("exec '", env!("CARGO_BIN_EXE_clientstore"), "' \"$@\"");
const BROKEN: &str = "echo 'broken' >&2; exit 2";
const WITHOUT_CONTROL: &str =
    concat!("exec '", env!("CARGO_BIN_EXE_clientstore"), "' serve --memory --listen 127.0.0.1:0 --quiet");

impl Recipe {
    /// Whether what it needs is there.
    fn can_run(&self) -> bool {
        tools::is_there(&format!("the recipe {}", self.file), self.needs, self.probe)
    }

    /// Runs it in a directory of its own, with this `clientstore` on the path, and waits until the servers that
    /// it started are gone.
    fn run(&self, clientstore: &str) -> Output {
        let work = tempfile::tempdir().unwrap();
        let started = work.path().join("started");
        let program = work.path().join("clientstore");
        fs::write(&program, format!("#!/bin/sh\necho $$ >>'{}'\n{clientstore}\n", started.display())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/testing").join(self.file);
        fs::copy(source, work.path().join(self.file)).unwrap();

        let mut path = work.path().as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        let mut command = Command::new("sh");
        command.args(["-c", self.command]).current_dir(work.path()).env("PATH", path).env("no_proxy", "127.0.0.1");
        let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
        match self.package {
            Package::None => {}
            Package::Python => {
                command.env("PYTHONPATH", packaging.join("python/src"));
                command.env("PYTEST_PLUGINS", "clientstore.pytest_plugin");
            }
            Package::JavaScript => {
                let modules = work.path().join("node_modules/@clientstore");
                fs::create_dir_all(&modules).unwrap();
                std::os::unix::fs::symlink(packaging.join("npm/testing"), modules.join("testing")).unwrap();
            }
        }
        // Java's libraries have a folder of their own beside the test, as its command has it.
        std::os::unix::fs::symlink("/usr/share/java", work.path().join("junit")).unwrap();
        let output = command.output().unwrap();

        for process in fs::read_to_string(started).unwrap().lines() {
            let begun = Instant::now();
            while Command::new("kill").args(["-0", process]).output().unwrap().status.success() {
                assert!(begun.elapsed() < Duration::from_secs(120), "{} left its server running", self.file);
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        output
    }

    fn passes(&self) {
        if self.can_run() {
            let Output { status, stdout, stderr } = self.run(REAL);
            let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
            assert!(status.success() && stdout.contains(self.passed), "{}: {status}\n{stdout}\n{stderr}", self.command);
        }
    }
}

#[test]
fn the_python_recipe_passes() {
    PYTHON.passes();
}

#[test]
fn the_javascript_recipe_passes() {
    JAVASCRIPT.passes();
}

#[test]
fn the_python_recipe_with_the_package_passes() {
    PYTHON_PACKAGED.passes();
}

#[test]
fn the_javascript_recipe_with_the_package_passes() {
    JAVASCRIPT_PACKAGED.passes();
}

#[test]
fn the_php_recipe_passes() {
    PHP.passes();
}

#[test]
fn the_java_recipe_passes() {
    JAVA.passes();
}

#[test]
fn the_shell_recipe_passes() {
    SHELL.passes();
}

#[test]
fn a_recipe_fails_where_the_server_does_not_start() {
    for recipe in RUN {
        if recipe.can_run() {
            let Output { status, stdout, stderr } = recipe.run(BROKEN);
            assert!(!status.success(), "{}", recipe.file);
            let said = [stdout, stderr].concat();
            assert!(String::from_utf8_lossy(&said).contains("broken"), "{} hides why", recipe.file);
        }
    }
}

#[test]
fn a_recipe_fails_where_a_control_call_does_and_stops_its_server() {
    for recipe in RUN {
        if recipe.can_run() {
            assert!(!recipe.run(WITHOUT_CONTROL).status.success(), "{}", recipe.file);
        }
    }
}

#[test]
#[should_panic(expected = "the recipe clients.sh needs curl from version 7.76")]
fn in_ci_a_recipe_that_cannot_run_is_a_failure() {
    tools::may_be_skipped("the recipe clients.sh", SHELL.needs, true);
}

#[test]
fn the_docs_quote_the_recipes_whole_and_nothing_else() {
    let mut blocks: Vec<(&str, &str)> = DOCS
        .split("\n```")
        .skip(1)
        .step_by(2)
        .map(|block| block.split_once('\n').unwrap())
        .filter(|(language, _)| *language != "toml")
        .collect();
    let rust = ("rust", "clients.rs", "cargo test");
    let others = RUN.map(|recipe| (recipe.language, recipe.file, recipe.command));
    for (language, file, command) in [rust].into_iter().chain(others) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/testing").join(file);
        let source = fs::read_to_string(source).unwrap();
        let place = blocks.iter().position(|block| *block == (language, source.trim_end_matches('\n')));
        blocks.remove(place.unwrap_or_else(|| panic!("docs/testing.md does not quote {file} as it is")));
        assert!(DOCS.contains(&format!("`{command}`")), "how to run {file}");
        assert!(DOCS.contains(&format!("(../examples/testing/{file})")), "where {file} is");
    }
    let difference = difference();
    assert_eq!(blocks, [("text", difference.as_str())], "a block that is no recipe is not tested");
}

/// What a test prints whose expectation is not met.
fn difference() -> String {
    let server = clientstore::testing::Server::start();
    let agent = ureq::Agent::config_builder().proxy(None).build().new_agent();
    agent.post(format!("{}/clients", server.url())).send("<client><name>Company, Inc.</name></client>").unwrap();
    let expectation = r#"{"method": "POST", "path": "/clients", "body": {"name": "Company LLC"}}"#;
    let verify = std::panic::AssertUnwindSafe(|| server.control("POST", "journal/verify", expectation));
    let failure = std::panic::catch_unwind(verify).unwrap_err();
    failure.downcast_ref::<String>().unwrap().strip_prefix("POST journal/verify: ").unwrap().to_owned()
}
