//! What the agent can do, and which of it a message asks for.

use engine::ports;
use protocol::types::AgentSkill;

/// One of the agent's skills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Skill {
    StatisticalAnalysis,
    TrendAnalysis,
    AnomalyDetection,
    PatternRecognition,
    DataVisualization,
}

impl Skill {
    /// In the order of the card.
    pub(crate) const ALL: [Skill; 5] =
        [Skill::StatisticalAnalysis, Skill::TrendAnalysis, Skill::AnomalyDetection, Skill::PatternRecognition, Skill::DataVisualization];

    /// As in `metadata.skillId` and on the card.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Skill::StatisticalAnalysis => "statistical_analysis",
            Skill::TrendAnalysis => "trend_analysis",
            Skill::AnomalyDetection => "anomaly_detection",
            Skill::PatternRecognition => "pattern_recognition",
            Skill::DataVisualization => "data_visualization",
        }
    }

    /// The skill of that id.
    pub(crate) fn of_id(id: &str) -> Option<Self> {
        Skill::ALL.into_iter().find(|skill| skill.id() == id)
    }

    /// The skill whose words a text has most of; `None` if it has none of any.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let text = text.to_lowercase();
        let hits = |skill: Skill| skill.words().iter().filter(|word| begins_a_word(&text, word)).count();
        // Of equals the most special goes first: `statistical trends` is about trends.
        let order = [Skill::AnomalyDetection, Skill::TrendAnalysis, Skill::PatternRecognition, Skill::DataVisualization, Skill::StatisticalAnalysis];
        let best = order.into_iter().rev().max_by_key(|skill| hits(*skill))?;
        (hits(best) > 0).then_some(best)
    }

    /// Beginnings of words that ask for it.
    const fn words(self) -> &'static [&'static str] {
        match self {
            Skill::StatisticalAnalysis => &[
                "statisti",
                "mean",
                "median",
                "average",
                "deviation",
                "variance",
                "quartile",
                "describe",
                "summar",
                "correlat",
                "regress",
                "distribution",
            ],
            Skill::TrendAnalysis => &[
                "trend",
                "forecast",
                "predict",
                "slope",
                "seasonal",
                "extrapolat",
                "growth",
                "projection",
                "over time",
                "heading",
                "going up",
                "going down",
                "comes next",
                "next value",
                "next few",
            ],
            Skill::AnomalyDetection => &[
                "anomal",
                "outlier",
                "unusual",
                "abnormal",
                "spike",
                "suspicious",
                "deviant",
                "look off",
                "looks off",
                "look wrong",
                "looks wrong",
                "odd one",
                "strange",
                "out of line",
            ],
            Skill::PatternRecognition => &["pattern", "cluster", "period", "cycle", "cyclic", "repeat", "change point", "recurr", "runs"],
            Skill::DataVisualization => &["chart", "plot", "graph", "visuali", "histogram", "draw", "diagram", "scatter", "bar chart", "box plot"],
        }
    }

    /// Its entry on the card.
    pub(crate) fn card(self) -> AgentSkill {
        let (name, description, tags, examples): (_, _, &[&str], &[&str]) = match self {
            Skill::StatisticalAnalysis => (
                "Statistical analysis",
                "Describes each column of numbers: count, mean, median, minimum, maximum, sample standard deviation and variance, quartiles \
                 (linear interpolation), skewness and excess kurtosis (uncorrected), 95 % confidence interval of the mean; for several columns \
                 correlations and the linear regression of `y` (or `metadata.response`) on the others. Right to nine digits or more on the \
                 reference sets of NIST.",
                &[
                    "statistics",
                    "mean",
                    "average",
                    "median",
                    "standard deviation",
                    "quartiles",
                    "correlation",
                    "regression",
                    "data",
                    "numbers",
                    "calculate",
                ],
                &["Describe 3, 5, 8.5 and -2e3", "Mean and standard deviation of the attached CSV"],
            ),
            Skill::TrendAnalysis => (
                "Trend analysis",
                "Fits a line to a series, or to `y` over `x`: slope, intercept, r squared, p value and standard error of the slope, a forecast of \
                 the next values (`metadata.horizon`, default 5) with 95 % prediction intervals, and the season, if there is one. \
                 `metadata.degree` fits a polynomial, `metadata.intercept: false` a line through the origin.",
                &["trend", "forecast", "slope", "seasonality", "time series", "prediction"],
                &["What is the trend in 10, 12, 15, 19, 24?", "Forecast the next 3 months of these sales"],
            ),
            Skill::AnomalyDetection => (
                "Anomaly detection",
                "Finds values that don't fit: by median absolute deviation, z-score, interquartile fences, by their neighbours in a series and by its season; \
                 `metadata.method` and `metadata.threshold` choose one. Each comes with its row, value, score and method.",
                &["anomaly", "outlier", "spike", "monitoring", "data quality"],
                &["Find outliers in 10, 12, 11, 95, 13", "Which rows of this CSV look wrong?"],
            ),
            Skill::PatternRecognition => (
                "Pattern recognition",
                "Looks for patterns in numbers: progressions, monotone runs, periods, change points, clusters, repeated values, autocorrelation, \
                 skew, and correlations between columns.",
                &["pattern", "periodicity", "clusters", "change point", "correlation", "sequence"],
                &["Is there a pattern in 2, 4, 8, 16, 32?", "Where does this series change?"],
            ),
            Skill::DataVisualization => (
                "Data visualization",
                "Draws data as a standalone SVG chart: line, bar, scatter, histogram or box plot, chosen by the data or by `metadata.chart`, with \
                 `metadata.title`.",
                &["chart", "plot", "graph", "visualization", "svg"],
                &["Plot y over x from this CSV", "Draw a histogram of these values"],
            ),
        };
        ports::skill(self.id(), name, description, tags, examples)
    }
}

fn begins_a_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_asks_for_the_skill_whose_words_it_has() {
        for (text, skill) in [
            ("Analyze statistical trends in AI research", Some(Skill::TrendAnalysis)),
            ("mean and median of 1, 2, 3", Some(Skill::StatisticalAnalysis)),
            ("any outliers?", Some(Skill::AnomalyDetection)),
            ("Forecast sales", Some(Skill::TrendAnalysis)),
            ("What comes next: 2, 4, 8?", Some(Skill::TrendAnalysis)),
            ("Does anything look off in 5, 5, 40, 5?", Some(Skill::AnomalyDetection)),
            ("find clusters", Some(Skill::PatternRecognition)),
            ("PLOT a histogram", Some(Skill::DataVisualization)),
            ("analyze 1, 2, 3", None),
            ("explain paragraphs", None),
        ] {
            assert_eq!(Skill::of_text(text), skill, "{text}");
        }
    }

    #[test]
    fn ids_lead_back_to_their_skills() {
        for skill in Skill::ALL {
            assert_eq!(Skill::of_id(skill.id()), Some(skill));
            assert_eq!(skill.card().id, skill.id());
        }
        assert_eq!(Skill::of_id("document_search"), None);
    }
}
