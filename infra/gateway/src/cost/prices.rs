//! What AWS asks, in dollars. One table; each price can be given anew on the command line.

use std::{collections::BTreeMap, str::FromStr};

use anyhow::{Context, Result};

/// Where and when the prices of the table are those that AWS publishes; without free tiers, discounts and taxes.
pub const AS_OF: &str = "us-east-1, on demand, as published in mid-2026";

/// A price's name, and dollars.
const PRICES: [(&str, f64); 18] = [
    ("lambda-million-requests", 0.20),
    ("lambda-gb-second-arm64", 0.000_013_333_4),
    ("lambda-gb-second-x86_64", 0.000_016_666_7),
    // A REST API: streams need one.
    ("api-million-requests", 3.50),
    ("dynamodb-million-write-units", 0.625),
    ("dynamodb-million-read-units", 0.125),
    ("sqs-million-requests", 0.40),
    ("logs-gb", 0.50),
    ("alarm-month", 0.10),
    ("secret-month", 0.40),
    // db.t4g.micro.
    ("rds-instance-hour", 0.016),
    ("rds-gb-month", 0.115),
    ("rds-proxy-vcpu-hour", 0.015),
    // Valkey, serverless.
    ("cache-gb-hour", 0.084),
    ("cache-million-ecpu", 0.0023),
    ("endpoint-hour", 0.01),
    // Linux on x86.
    ("fargate-vcpu-hour", 0.040_48),
    ("fargate-gb-hour", 0.004_445),
];

/// One that is given anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    name: String,
    dollars: f64,
}

/// All prices, by name.
#[derive(Debug, Clone)]
pub struct Prices(BTreeMap<&'static str, f64>);

impl Prices {
    /// Those of the table, but for what is given.
    pub fn new(given: &[Price]) -> Self {
        let mut prices = BTreeMap::from(PRICES);
        for Price { name, dollars } in given {
            if let Some(price) = prices.get_mut(name.as_str()) {
                *price = *dollars;
            }
        }
        Prices(prices)
    }

    /// One of them.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn of(&self, name: &str) -> Result<f64> {
        self.0.get(name).copied().with_context(|| format!("no price is called {name}"))
    }

    /// Name and dollars of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        PRICES.iter().filter_map(|(name, _)| Some((*name, *self.0.get(name)?)))
    }
}

impl FromStr for Price {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, dollars) = text.split_once('=').ok_or("it has to be NAME=DOLLARS")?;
        if !PRICES.iter().any(|(known, _)| *known == name) {
            return Err(format!("`{name}` is no price ({})", PRICES.map(|(name, _)| name).join(", ")));
        }
        let dollars = dollars.parse().ok().filter(|dollars: &f64| dollars.is_finite() && *dollars >= 0.0);
        Ok(Price { name: name.to_owned(), dollars: dollars.ok_or_else(|| format!("the price `{name}` has to be a number of dollars"))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_can_be_given_anew_by_its_name() {
        let prices = Prices::new(&["api-million-requests=1.5".parse().unwrap()]);
        assert_eq!((prices.of("api-million-requests").unwrap(), prices.of("logs-gb").unwrap()), (1.5, 0.5));
        assert!(prices.of("tea").is_err());
        assert_eq!(prices.iter().count(), PRICES.len());
        for wrong in ["tea=1", "logs-gb", "logs-gb=-1", "logs-gb=free", "logs-gb=NaN"] {
            assert!(wrong.parse::<Price>().is_err(), "{wrong}");
        }
    }
}
