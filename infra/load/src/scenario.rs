//! What users ask: each scenario's texts, and how often each comes.

use std::str::FromStr;

use serde::Serialize;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// The research agent's search.
    DocumentSearch,
    /// The analysis agent; without data it asks for some.
    AnalysisTask,
    /// Many documents into one text.
    SynthesisTask,
    /// `GET /health`.
    HealthCheck,
    /// A text that was given.
    Message,
}

const TOPICS: [&str; 5] = [
    "machine learning algorithms",
    "neural network architectures",
    "artificial intelligence research",
    "deep learning applications",
    "natural language processing",
];

/// Those that can be asked for by name.
const NAMED: [Scenario; 4] = [Scenario::DocumentSearch, Scenario::AnalysisTask, Scenario::SynthesisTask, Scenario::HealthCheck];

impl Scenario {
    /// As reports call it.
    pub fn name(self) -> &'static str {
        match self {
            Scenario::DocumentSearch => "document_search",
            Scenario::AnalysisTask => "analysis_task",
            Scenario::SynthesisTask => "synthesis_task",
            Scenario::HealthCheck => "health_check",
            Scenario::Message => "message",
        }
    }

    /// The message, where it sends one.
    pub fn text(self, random: &mut fastrand::Rng) -> Option<String> {
        match self {
            Scenario::DocumentSearch => Some(format!("Search for documents about {}", TOPICS[random.usize(..TOPICS.len())])),
            Scenario::AnalysisTask => Some("Analyze statistical trends in AI research".to_owned()),
            Scenario::SynthesisTask => Some("Synthesize findings from multiple research sources".to_owned()),
            Scenario::HealthCheck | Scenario::Message => None,
        }
    }
}

/// Scenarios and their weights; at least one, and all above 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Mix(Vec<(Scenario, f64)>);

impl Mix {
    /// That of the load test which this one replaces.
    pub const DEFAULT: &str = "document_search=0.4,analysis_task=0.3,synthesis_task=0.2,health_check=0.1";

    /// One scenario only.
    pub fn only(scenario: Scenario) -> Self {
        Mix(vec![(scenario, 1.0)])
    }

    /// What remains without a scenario; `None` if that is nothing.
    pub fn without(&self, scenario: Scenario) -> Option<Self> {
        let rest: Vec<_> = self.0.iter().copied().filter(|(other, _)| *other != scenario).collect();
        if rest.is_empty() { None } else { Some(Mix(rest)) }
    }

    /// All of them.
    pub fn scenarios(&self) -> impl Iterator<Item = Scenario> {
        self.0.iter().map(|(scenario, _)| *scenario)
    }

    /// One of them, as often as its weight says.
    pub fn pick(&self, random: &mut fastrand::Rng) -> Scenario {
        let mut left = random.f64() * self.0.iter().map(|(_, weight)| weight).sum::<f64>();
        for (scenario, weight) in &self.0 {
            if left < *weight {
                return *scenario;
            }
            left -= weight;
        }
        // What rounding left over.
        self.0.last().map_or(Scenario::Message, |(scenario, _)| *scenario)
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut mix: Vec<(Scenario, f64)> = Vec::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let known = NAMED.into_iter().find(|scenario| scenario.name() == name.trim());
            let scenario = known.ok_or_else(|| format!("`{name}` is no scenario ({})", NAMED.map(Scenario::name).join(", ")))?;
            let weight = weight.trim().parse().ok().filter(|weight: &f64| weight.is_finite() && *weight > 0.0);
            let weight = weight.ok_or_else(|| format!("the weight of `{name}` has to be a number above 0"))?;
            if mix.iter().any(|(other, _)| *other == scenario) {
                return Err(format!("`{name}` is there twice"));
            }
            mix.push((scenario, weight));
        }
        Ok(Mix(mix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scenario_comes_as_often_as_its_weight_says() {
        let mix: Mix = Mix::DEFAULT.parse().unwrap();
        let picked: Vec<_> = (0..20_000).map(|number| mix.pick(&mut fastrand::Rng::with_seed(number))).collect();
        for (scenario, weight) in &mix.0 {
            let share = picked.iter().filter(|picked| *picked == scenario).count() as f64 / 20_000.0;
            assert!((share - weight).abs() < 0.02, "{scenario:?}: {share}");
        }
    }

    #[test]
    fn a_mix_has_each_scenario_once_and_weights_above_zero() {
        for wrong in ["", "document_search=0", "document_search=x", "document_search,document_search", "dance=1", "document_search=1,"] {
            assert!(wrong.parse::<Mix>().is_err(), "{wrong}");
        }
        let mix: Mix = "health_check, document_search=3".parse().unwrap();
        assert_eq!(mix.without(Scenario::HealthCheck), Some(Mix(vec![(Scenario::DocumentSearch, 3.0)])));
        assert_eq!(Mix::only(Scenario::HealthCheck).without(Scenario::HealthCheck), None);
    }
}
