//! `docs/clients.md`, followed to the letter by programs in several languages.

#![cfg(all(feature = "cli", unix))]

mod served;
mod tools;

use std::fs;
use std::process::Command;

use served::Served;
use tempfile::TempDir;

const DOCS: &str = include_str!("../docs/clients.md");

/// An answer to a request for the clients, as the `live` dialect has it.
const ANSWER: &str = "<clients type=\"array\"></clients>";

/// What the page has for programs in one language.
struct Way {
    title: &'static str,
    language: &'static str,
    /// What runs a program, without its arguments.
    command: &'static str,
    /// What it needs, and how to find out whether it is there.
    needs: &'static str,
    probe: &'static [&'static str],
}

const CURL: Way =
    Way { title: "### curl", language: "", command: "curl -i", needs: "curl", probe: &["curl", "--version"] };

const PYTHON: Way = Way {
    title: "### Python",
    language: "python",
    command: "python3 clients.py",
    needs: "python3",
    probe: &["python3", "--version"],
};

const REQUESTS: Way = Way {
    title: "### Python with requests",
    language: "python",
    command: "python3 clients_with_requests.py",
    needs: "python3 with requests",
    probe: &["python3", "-c", "import requests"],
};

const PHP: Way = Way {
    title: "### PHP",
    language: "php",
    command: "php clients.php",
    needs: "php with curl",
    probe: &["php", "-r", "exit(function_exists('curl_init') ? 0 : 1);"],
};

const RUBY: Way = Way {
    title: "### Ruby",
    language: "ruby",
    command: "ruby clients.rb",
    needs: "ruby",
    probe: &["ruby", "--version"],
};

const JAVA: Way = Way {
    title: "### Java",
    language: "java",
    command: "java Clients.java",
    needs: "a JDK from version 11",
    probe: &["java", "--list-modules", "--limit-modules", "jdk.compiler"],
};

/// The section under a title, to the next title.
fn section(title: &str) -> &'static str {
    let (_, rest) = DOCS.split_once(&format!("\n{title}\n")).unwrap_or_else(|| panic!("no section {title}"));
    rest.split("\n#").next().unwrap()
}

/// The blocks of a language in a section.
fn blocks<'a>(section: &'a str, language: &str) -> Vec<&'a str> {
    let blocks = section.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    blocks.filter(|(name, _)| *name == language).map(|(_, text)| text).collect()
}

/// How many requests a block makes: one for each address outside of a proxy setting.
fn requests(block: &str) -> usize {
    let is_address =
        |word: &&str| word.contains("://") && !word.starts_with("http_proxy=") && !word.starts_with("https_proxy=");
    block.split_whitespace().filter(is_address).count()
}

impl Way {
    fn can_run(&self) -> bool {
        tools::is_there(&format!("docs/clients.md, \"{}\",", self.title), self.needs, self.probe)
    }

    /// Where the page's commands are run, with the program that it shows under the name that it says.
    fn folder(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        if !self.language.is_empty() {
            let file = self.command.split(' ').nth(1).unwrap();
            let section = section(self.title);
            assert!(section.contains(&format!("Saved as `{file}`")), "{file} is named");
            let [program] = blocks(section, self.language)[..] else { panic!("not one program: {section}") };
            fs::write(folder.path().join(file), program).unwrap();
        }
        folder
    }

    /// Runs commands of the page, which has another port, and gives what they said.
    fn run(&self, folder: &TempDir, served: &Served, commands: &str) -> String {
        let port = served.address().rsplit(':').next().unwrap();
        let mut command = Command::new("sh");
        command.args(["-ec", &commands.replace("7557", port)]).current_dir(folder.path());
        for variable in ["http_proxy", "https_proxy", "no_proxy", "all_proxy"] {
            command.env_remove(variable).env_remove(variable.to_uppercase());
        }
        for variable in ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "JAVA_TOOL_OPTIONS"] {
            command.env_remove(variable);
        }
        let output = command.output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// Every command of the language's section is answered, and without what it does for trust there is none.
    fn is_answered_over_https(&self) {
        if !self.can_run() {
            return;
        }
        let folder = self.folder();
        let authority = folder.path().join("clientstore-authority.pem");
        let arguments = ["--memory", "--dialect", "live", "--tls", "--tls-authority", authority.to_str().unwrap()];
        let served = Served::start(&arguments);
        let [commands] = blocks(section(self.title), "sh")[..] else { panic!("one block of commands: {}", self.title) };
        assert!(requests(commands) >= 2);
        let said = self.run(&folder, &served, commands);
        assert_eq!(said.matches(ANSWER).count(), requests(commands), "{said}");

        let distrustful = format!("{} https://localhost:7557 || true", self.command);
        let said = self.run(&folder, &served, &distrustful);
        assert_eq!(said.matches(ANSWER).count(), 0, "{said}");
        assert!(said.to_lowercase().contains("certifi"), "the reason is the certificate: {said}");
    }

    /// The language's line among those for a proxy setting is answered.
    fn is_answered_as_a_proxy(&self) {
        if !self.can_run() {
            return;
        }
        let served = Served::start(&["--memory", "--dialect", "live"]);
        let lines = blocks(section("## An HTTP proxy setting"), "sh")[0].lines();
        let file = self.command.split(' ').next_back().unwrap();
        let own: Vec<_> =
            lines.filter(|line| line.contains(self.command) || line.contains(&format!(" {file} "))).collect();
        let [line] = own[..] else { panic!("{own:?}") };
        let said = self.run(&self.folder(), &served, line);
        assert_eq!(said.matches(ANSWER).count(), 1, "{said}");
    }
}

#[test]
fn curl_is_answered_over_https_and_through_a_proxy_setting() {
    CURL.is_answered_over_https();
    CURL.is_answered_as_a_proxy();
}

#[test]
fn python_is_answered_over_https_and_through_a_proxy_setting() {
    PYTHON.is_answered_over_https();
    PYTHON.is_answered_as_a_proxy();
}

#[test]
fn python_with_requests_is_answered_over_https() {
    REQUESTS.is_answered_over_https();
}

#[test]
fn php_is_answered_over_https_and_through_a_proxy_setting() {
    PHP.is_answered_over_https();
    PHP.is_answered_as_a_proxy();
}

#[test]
fn ruby_is_answered_over_https_and_through_a_proxy_setting() {
    RUBY.is_answered_over_https();
    RUBY.is_answered_as_a_proxy();
}

#[test]
fn java_is_answered_over_https_and_through_a_proxy_setting() {
    JAVA.is_answered_over_https();
    JAVA.is_answered_as_a_proxy();
}

#[test]
fn the_commands_that_start_the_server_have_it_listen() {
    let folder = tempfile::tempdir().unwrap();
    let mut started = 0;
    for line in DOCS.lines().filter(|line| line.starts_with("clientstore serve")) {
        if line.contains("--tls-cert") {
            continue; // openssl makes its files; tests/tls.rs serves others
        }
        let authority = folder.path().join("authority.pem");
        let mut arguments: Vec<_> = line.split(' ').skip(2).collect();
        if line.contains("--tls") {
            arguments.extend(["--tls-authority", authority.to_str().unwrap()]);
        }
        Served::start(&arguments);
        started += 1;
    }
    assert!(started >= 4, "{started}");
}

#[test]
fn the_page_begins_with_the_dialect_of_old_programs() {
    let begin: String = DOCS.lines().take(6).collect();
    assert!(begin.contains("--dialect live"), "{begin}");
}
