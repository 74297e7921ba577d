//! Statistical Reference Datasets of NIST, whose results are certified (itl.nist.gov/div898/strd), for the tests beside this file.

/// One column of a set.
pub(crate) fn column(set: &str, name: &str) -> Vec<f64> {
    let mut lines = text(set).lines();
    let place = lines.next().and_then(|header| header.split(',').position(|column| column == name)).expect("the set has that column");
    lines.map(|line| line.split(',').nth(place).and_then(|cell| cell.parse().ok()).expect("a number")).collect()
}

/// A set as it lies beside this file.
pub(crate) fn text(set: &str) -> &'static str {
    match set {
        "Filip" => include_str!("nist/Filip.csv"),
        "Lew" => include_str!("nist/Lew.csv"),
        "Longley" => include_str!("nist/Longley.csv"),
        "Lottery" => include_str!("nist/Lottery.csv"),
        "Mavro" => include_str!("nist/Mavro.csv"),
        "Michelso" => include_str!("nist/Michelso.csv"),
        "Norris" => include_str!("nist/Norris.csv"),
        "PiDigits" => include_str!("nist/PiDigits.csv"),
        "Pontius" => include_str!("nist/Pontius.csv"),
        "Wampler1" => include_str!("nist/Wampler1.csv"),
        "Wampler2" => include_str!("nist/Wampler2.csv"),
        "Wampler3" => include_str!("nist/Wampler3.csv"),
        "Wampler4" => include_str!("nist/Wampler4.csv"),
        "Wampler5" => include_str!("nist/Wampler5.csv"),
        other => panic!("no set {other}"),
    }
}

/// NumAcc2 to NumAcc4: one value, then 500 pairs.
pub(crate) fn alternating(first: f64, low: f64, high: f64) -> Vec<f64> {
    let mut values = vec![first];
    values.extend([low, high].repeat(500));
    values
}

/// How many leading digits are right (the log relative error); of a certified 0, the log of what is there instead.
pub(crate) fn digits(got: Option<f64>, certified: f64) -> f64 {
    let Some(got) = got else { return -1.0 };
    let error = if certified == 0.0 { got.abs() } else { ((got - certified) / certified).abs() };
    if error == 0.0 { 16.0 } else { -error.log10() }
}
