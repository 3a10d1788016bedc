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

/// Numbers at the edges of what numbers are, sentinels, and what is none.
pub(crate) const EDGES: [&str; 22] = [
    "0",
    "-1",
    "65535",
    "2147483648",
    "4294967295",
    "9007199254740992",
    "9223372036854775808",
    "18446744073709551615",
    "99999999999999999999999",
    "1e308",
    "1e400",
    "-1e308",
    "NaN",
    "inf",
    "-inf",
    "12,345",
    "1.5.2",
    "none",
    "",
    "-",
    "0x",
    "007",
];

/// Where the numbers of a text stand: digits, with at most one point in them, that nothing but signs stands around.
pub(crate) fn numbers(text: &str) -> Vec<std::ops::Range<usize>> {
    let is_part = |it: char| it.is_alphanumeric() || matches!(it, '.' | '_' | '-');
    let mut found = Vec::new();
    let mut from = 0;
    for word in text.split(|it: char| !is_part(it)) {
        if word.starts_with(|it: char| it.is_ascii_digit()) && word.parse::<f64>().is_ok() {
            found.push(from..from + word.len());
        }
        // What parts words may have several bytes.
        from += word.len();
        from += text[from..].chars().next().map_or(0, char::len_utf8);
    }
    found
}

/// The so-many-th number in place of another one. In JSON, what is no number there stands in quotes.
pub(crate) fn edged(text: &str, index: usize, kind: usize) -> String {
    let Some(place) = numbers(text).get(index).cloned() else { return text.to_owned() };
    let (head, tail) = (&text[..place.start], &text[place.end..]);
    let edge = EDGES[kind];
    let is_bare = json(text).is_some_and(|it| it.is_ok()) && !head.ends_with('"');
    let fits = serde_json::from_str::<serde_json::Number>(edge).is_ok();
    match is_bare && !fits {
        true => format!("{head}\"{edge}\"{tail}"),
        false => format!("{head}{edge}{tail}"),
    }
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
