//! The collector's configuration: the example says the defaults, and every mistake is told at once.

use xunjian_collector::config::Config;

#[test]
fn the_example_of_the_collector_says_the_defaults() {
    let text = include_str!("../../deploy/collector.example.toml");
    assert_eq!(Config::parse(text).unwrap(), Config::default());
}

#[test]
fn the_commented_keys_of_the_example_are_known_keys() {
    let text = include_str!("../../deploy/collector.example.toml");
    let bare: String = text
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|it| it.contains(" = \"")).unwrap_or(line))
        .fold(String::new(), |all, line| all + line + "\n");
    Config::parse(&bare).unwrap();
}

#[test]
fn all_mistakes_are_told_at_once_with_the_nearest_known_key() {
    let text = "folders = '/x'\n[web]\nlisen = '0.0.0.0:1'\nlisten = '0.0.0.0:7480'\n[agents]\ncertificate_days = 0\n";
    let mistakes = Config::parse(text).unwrap_err().join("\n");
    for wanted in ["`folders`: did you mean `folder`?", "`web.lisen`: did you mean `listen`?"] {
        assert!(mistakes.contains(wanted), "{mistakes}");
    }
    let text = "[web]\nlisten = '0.0.0.0:7480'\n[agents]\ncertificate_days = 0\n";
    let mistakes = Config::parse(text).unwrap_err().join("\n");
    for wanted in ["web.listen = 0.0.0.0:7480 is not loopback", "certificate_days = 0"] {
        assert!(mistakes.contains(wanted), "{mistakes}");
    }
}
