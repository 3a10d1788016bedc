//! What tools of another locale or version would print.

use serde_json::Value;

/// Letters of words become another language's, and decimal points commas. JSON has no locale.
pub(crate) fn foreign(text: &str) -> String {
    if json(text).is_some() {
        return text.to_owned();
    }
    foreign_words(text)
}

fn foreign_words(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or(' ');
    let change = |(index, it): (usize, &char)| match *it {
        '.' if at(index.wrapping_sub(1)).is_ascii_digit() && at(index + 1).is_ascii_digit() => ',',
        'a' => 'ä',
        'e' => '错',
        'o' => 'ø',
        other => other,
    };
    chars.iter().enumerate().map(change).collect()
}

/// Version numbers that nobody has seen, keys and columns that nobody knows.
pub(crate) fn newer(text: &str) -> String {
    if let Some(Ok(mut json)) = json(text) {
        each(&mut json, &mut |it| {
            let Value::Object(map) = it else { return };
            for (key, value) in map.iter_mut() {
                if key.to_lowercase().contains("version") && value.is_string() {
                    *value = "97.3.1-rc4".into();
                }
            }
            map.insert("a_new_key".to_owned(), serde_json::json!({"of": ["a", {"later": 1}]}));
        });
        return json.to_string();
    }
    let line = |line: &str| match line.to_lowercase().contains("version") {
        true => line.replace(|it: char| it.is_ascii_digit(), "97"),
        false => line.to_owned(),
    };
    let mut lines: Vec<String> = text.lines().map(line).collect();
    lines.push("A New Heading : of a later version".to_owned());
    lines.join("\n") + "\n"
}

/// Where the values other than lists and maps of a JSON text stand, in their order; none if it is no JSON.
pub(crate) fn leaves(text: &str) -> Option<Vec<String>> {
    let mut json = json(text)?.ok()?;
    let mut paths = Vec::new();
    leaf(&mut json, "", &mut |path, _| paths.push(path.to_owned()));
    Some(paths)
}

/// Values of all types, with which others are replaced.
pub(crate) fn types() -> Vec<Value> {
    serde_json::json!([null, "n/a", -1, 18_446_744_073_709_551_615_u64, true, [1, 2], {"value": 7}, 1.5e300, ""])
        .as_array()
        .cloned()
        .unwrap_or_default()
}

/// Whether there is a value of [`types`] in a name that is none: a truth value, a list, an object, a fraction.
pub(crate) fn is_no_name(name: &str) -> bool {
    let words =
        ["[1,2]", "[1, 2]", "{\"value\"", "value: ", "1.5e300", "1.5e+300", "1500000000", "null"];
    words.iter().any(|it| name.contains(it))
        || name.split(|it: char| !it.is_alphanumeric()).any(|it| it == "true")
}

/// The so-many-th value in place of another one.
pub(crate) fn retyped(text: &str, index: usize, kind: usize) -> String {
    let Some(Ok(mut json)) = json(text) else { return text.to_owned() };
    let mut count = 0;
    leaf(&mut json, "", &mut |_, it| {
        if count == index {
            *it = types().swap_remove(kind);
        }
        count += 1;
    });
    json.to_string()
}

fn json(text: &str) -> Option<serde_json::Result<Value>> {
    let begins = text.trim_start().starts_with(['{', '[']);
    begins.then(|| serde_json::from_str(text))
}

fn each(value: &mut Value, change: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(|it| each(it, change)),
        Value::Object(all) => all.iter_mut().for_each(|(_, it)| each(it, change)),
        _ => {}
    }
    // What was added is not looked at again.
    change(value);
}

fn leaf(value: &mut Value, path: &str, change: &mut dyn FnMut(&str, &mut Value)) {
    match value {
        Value::Array(all) => {
            let each = all.iter_mut().enumerate();
            each.for_each(|(at, it)| leaf(it, &format!("{path}[{at}]"), change));
        }
        Value::Object(all) => {
            let dot = if path.is_empty() { "" } else { "." };
            all.iter_mut().for_each(|(key, it)| leaf(it, &format!("{path}{dot}{key}"), change));
        }
        other => change(path, other),
    }
}
