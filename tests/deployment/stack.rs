//! The stack that comes of the template and of values for its parameters.

use std::{collections::BTreeMap, sync::OnceLock};

use serde_json::{Map, Value, json};

use crate::tools::{python, run, template};

/// Resolved as far as it can be before anything is made: conditions, choices and parameters; what is left refers to resources.
pub struct Stack {
    /// Those that would be made, by logical id.
    pub resources: BTreeMap<String, Value>,
    pub outputs: Map<String, Value>,
}

/// The transformed template; `None` where the tools are missing.
pub fn transformed() -> Option<&'static Value> {
    static TRANSFORMED: OnceLock<Option<Value>> = OnceLock::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/transform.py");
    TRANSFORMED.get_or_init(|| Some(serde_json::from_str(&run(python()?, &[script, &template()])).unwrap())).as_ref()
}

/// All choices that change which resources there are: each store, with everything optional and with nothing.
pub fn every_stack() -> Vec<(String, Stack)> {
    let optional = [
        ("CorpusBucket", "documents"),
        ("DomainName", "agents.example.com"),
        ("HostedZoneId", "Z1"),
        ("Firewall", "on"),
        ("AlarmEmail", "ops@example.com"),
        ("ReservedConcurrency", "10"),
        ("CorsOrigins", "https://example.com"),
        ("JwksUrl", "https://login.example.com/keys"),
        ("JwtIssuer", "https://login.example.com"),
        ("JwtAudience", "agents"),
    ];
    let mut stacks = Vec::new();
    for store in ["dynamodb", "postgres"] {
        let stack = |more: &[(&str, &str)]| Stack::with(&[&[("Store", store)], more].concat());
        let Some(plain) = stack(&[("AccountLogRole", "leave")]) else { return stacks };
        stacks.push((store.to_owned(), plain));
        stacks.extend(stack(&optional).map(|full| (format!("{store} with everything"), full)));
    }
    stacks
}

impl Stack {
    pub fn with(parameters: &[(&str, &str)]) -> Option<Self> {
        let template = transformed()?;
        let mut values: BTreeMap<&str, Value> = BTreeMap::new();
        for (name, parameter) in template["Parameters"].as_object().unwrap() {
            let given = parameters.iter().find(|(given, _)| given == name).map(|(_, value)| json!(value));
            values.insert(name, given.unwrap_or_else(|| parameter["Default"].clone()));
        }
        let resolver = Resolver { conditions: &template["Conditions"], values };
        let made = template["Resources"].as_object().unwrap().iter().filter(|(_, resource)| resolver.is_wanted(resource));
        let resources = made.filter_map(|(id, resource)| Some((id.clone(), resolver.plain(resource)?))).collect();
        let outputs = template["Outputs"].as_object().unwrap().iter().filter(|(_, output)| resolver.is_wanted(output));
        let outputs = outputs.filter_map(|(name, output)| Some((name.clone(), resolver.plain(output)?))).collect();
        Some(Stack { resources, outputs })
    }

    pub fn of_type(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.resources.iter().filter(move |(_, resource)| resource["Type"] == kind).map(|(id, resource)| (id.as_str(), &resource["Properties"]))
    }

    pub fn functions(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.of_type("AWS::Lambda::Function")
    }
}

struct Resolver<'a> {
    conditions: &'a Value,
    values: BTreeMap<&'a str, Value>,
}

impl Resolver<'_> {
    fn is_wanted(&self, part: &Value) -> bool {
        part["Condition"].as_str().is_none_or(|name| self.condition(name))
    }

    fn condition(&self, name: &str) -> bool {
        assert!(!self.conditions[name].is_null(), "the condition `{name}` isn't there");
        self.holds(&self.conditions[name])
    }

    fn holds(&self, expression: &Value) -> bool {
        let (function, argument) = expression.as_object().and_then(|object| object.iter().next()).unwrap();
        let arguments = || argument.as_array().unwrap();
        match function.as_str() {
            "Condition" => self.condition(argument.as_str().unwrap()),
            "Fn::Equals" => text(&self.plain(&arguments()[0]).unwrap()) == text(&self.plain(&arguments()[1]).unwrap()),
            "Fn::Not" => !self.holds(&arguments()[0]),
            "Fn::And" => arguments().iter().all(|argument| self.holds(argument)),
            "Fn::Or" => arguments().iter().any(|argument| self.holds(argument)),
            other => panic!("`{other}` in a condition"),
        }
    }

    /// `None` for `AWS::NoValue`.
    fn plain(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Object(object) => {
                if object.len() == 1
                    && let Some(name) = value["Ref"].as_str()
                {
                    return if name == "AWS::NoValue" { None } else { Some(self.values.get(name).unwrap_or(value).clone()) };
                }
                if object.len() == 1
                    && let Some([condition, yes, no]) = value["Fn::If"].as_array().map(Vec::as_slice)
                {
                    return self.plain(if self.condition(condition.as_str().unwrap()) { yes } else { no });
                }
                Some(object.iter().filter_map(|(key, value)| Some((key.clone(), self.plain(value)?))).collect::<Map<_, _>>().into())
            }
            Value::Array(items) => Some(items.iter().filter_map(|item| self.plain(item)).collect()),
            scalar => Some(scalar.clone()),
        }
    }
}

/// CloudFormation compares texts.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The logical ids and parameters that a value refers to.
pub fn references(value: &Value) -> Vec<String> {
    let first = |text: &str| text.split('.').next().unwrap_or_default().to_owned();
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(key, value)| match (key.as_str(), value) {
                ("Ref", Value::String(name)) => vec![name.clone()],
                ("Fn::GetAtt", Value::String(attribute)) => vec![first(attribute)],
                ("Fn::GetAtt", Value::Array(parts)) => vec![text(&parts[0])],
                ("Fn::Sub", Value::String(pattern)) => substituted(pattern).map(first).collect(),
                ("Fn::Sub", Value::Array(parts)) => {
                    let own = |name: &str| parts[1].get(name).is_some();
                    let named = parts[0].as_str().unwrap();
                    substituted(named).filter(|name| !own(name)).map(first).chain(references(&parts[1])).collect()
                }
                _ => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// The names in `${…}`; `${!…}` is none.
pub fn substituted(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).filter(|name| !name.starts_with('!'))
}

#[test]
fn nothing_refers_to_what_is_not_there() {
    let Some(template) = transformed() else { return };
    let parameters = template["Parameters"].as_object().unwrap();
    for (name, stack) in every_stack() {
        for (id, part) in
            stack.resources.iter().map(|(id, part)| (id.as_str(), part)).chain(stack.outputs.iter().map(|(id, part)| (id.as_str(), part)))
        {
            let waits_for = match &part["DependsOn"] {
                Value::Null => Vec::new(),
                Value::Array(ids) => ids.iter().map(text).collect(),
                id => vec![text(id)],
            };
            for target in references(part).into_iter().chain(waits_for) {
                let known = target.starts_with("AWS::") || parameters.contains_key(&target) || stack.resources.contains_key(&target);
                assert!(known, "{name}: `{id}` refers to `{target}`");
            }
        }
    }
}

#[test]
fn dynamodb_takes_no_network_no_database_and_no_cache() {
    for (name, stack) in every_stack() {
        let of = |prefix: &str| stack.resources.values().filter(|resource| resource["Type"].as_str().unwrap().starts_with(prefix)).count();
        let counts = ["AWS::EC2::", "AWS::RDS::", "AWS::ElastiCache::", "Custom::"].map(of);
        if name.starts_with("dynamodb") {
            assert_eq!(counts, [0; 4], "{name}");
            assert_eq!(of("AWS::DynamoDB::Table"), 1, "{name}");
            assert!(stack.functions().all(|(_, function)| function.get("VpcConfig").is_none()), "{name}");
        } else {
            assert!(counts.iter().all(|count| *count > 0), "{name}: {counts:?}");
            assert_eq!(of("AWS::DynamoDB::"), 0, "{name}");
        }
    }
}

#[test]
fn functions_get_their_new_code_when_the_database_has_its_form() {
    for (name, stack) in every_stack() {
        for (id, _) in stack.functions() {
            let waits = stack.resources[id]["DependsOn"] == "DatabaseReady";
            // It is the sweep that brings the database to its form.
            assert_eq!(waits, id != "Sweep", "{name}: {id}");
        }
        if name.starts_with("postgres") {
            assert_eq!(stack.resources["DatabaseReady"]["Metadata"]["After"], json!({"Ref": "Migration"}));
            let migration = &stack.resources["Migration"]["Properties"];
            assert_eq!(migration["ServiceToken"], json!({"Fn::GetAtt": ["Sweep", "Arn"]}));
            // Another version of the code is another migration.
            assert!(text(&migration["Version"]["Ref"]).starts_with("SweepVersion"), "{migration}");
        }
    }
}
