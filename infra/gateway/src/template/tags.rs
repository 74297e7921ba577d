//! CloudFormation's short forms (`!Ref`, `!GetAtt`, …) as their long ones, and parameters as their defaults.

use serde_yaml_ng::{Mapping, Value, value::TaggedValue};

/// The document without tags. A reference to a parameter that has a default is that default.
pub(super) fn resolve(document: Value) -> Value {
    let parameters = document.get("Parameters").cloned().unwrap_or_default();
    plain(document, &parameters)
}

fn plain(value: Value, parameters: &Value) -> Value {
    match value {
        Value::Tagged(tagged) => {
            let TaggedValue { tag, value } = *tagged;
            let name = tag.to_string();
            let name = name.trim_start_matches('!');
            if name == "Ref"
                && let Some(default) = parameters.get(&value).and_then(|parameter| parameter.get("Default"))
            {
                return default.clone();
            }
            let long = if matches!(name, "Ref" | "Condition") { name.to_owned() } else { format!("Fn::{name}") };
            Value::Mapping(Mapping::from_iter([(Value::String(long), plain(value, parameters))]))
        }
        Value::Sequence(items) => Value::Sequence(items.into_iter().map(|item| plain(item, parameters)).collect()),
        Value::Mapping(entries) => Value::Mapping(entries.into_iter().map(|(key, value)| (key, plain(value, parameters))).collect()),
        scalar => scalar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(yaml: &str) -> Value {
        resolve(serde_yaml_ng::from_str(yaml).unwrap())
    }

    #[test]
    fn short_forms_become_long_ones_at_any_depth() {
        assert_eq!(resolved("a: [!GetAtt Queue.Arn, { b: !Sub 'x${y}' }]"), resolved("a: [{ Fn::GetAtt: Queue.Arn }, { b: { Fn::Sub: 'x${y}' } }]"));
        assert_eq!(resolved("!If [Has, !Ref Key, 1]"), resolved("{ Fn::If: [Has, { Ref: Key }, 1] }"));
    }

    #[test]
    fn only_parameters_with_a_default_are_put_in() {
        let yaml = "{ Parameters: { A: { Default: 5 }, B: { Type: String } }, a: !Ref A, b: !Ref B, c: !Ref Api }";
        let resolved = resolved(yaml);
        assert_eq!(resolved["a"], Value::from(5));
        assert_eq!(resolved["b"]["Ref"], Value::from("B"));
        assert_eq!(resolved["c"]["Ref"], Value::from("Api"));
    }
}
