//! Keeps rendered cards by the URL that they name: most servers are known by one, so a look is cheap, and guesses don't fill the memory.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use protocol::card::CardForm;

use super::Rendered;

/// More base URLs than any server has: beyond it someone is inventing host names, and the cache starts anew.
const MOST_BASE_URLS: usize = 64;

const FORMS: usize = 4;

pub(super) struct Cache {
    agents: usize,
    by_base_url: RwLock<HashMap<String, Slots>>,
}

/// One for each tenant, the default one first, and form.
type Slots = Arc<[OnceLock<Rendered>]>;

impl Cache {
    pub(super) fn new(agents: usize) -> Self {
        Cache { agents, by_base_url: RwLock::default() }
    }

    /// The card of the agent of that number, or of all; made at first use.
    pub(super) fn get(&self, base_url: &str, agent: Option<usize>, form: CardForm, make: impl FnOnce() -> Rendered) -> Rendered {
        let slot = agent.map_or(0, |agent| agent + 1) * FORMS
            + match form {
                CardForm::V1_0 => 0,
                CardForm::V0_3 => 1,
                CardForm::V0_1 => 2,
                CardForm::Hybrid => 3,
            };
        let known = self.by_base_url.read().unwrap_or_else(PoisonError::into_inner).get(base_url).cloned();
        match known.unwrap_or_else(|| self.slots(base_url)).get(slot) {
            Some(slot) => slot.get_or_init(make).clone(),
            None => make(),
        }
    }

    fn slots(&self, base_url: &str) -> Slots {
        let mut by_base_url = self.by_base_url.write().unwrap_or_else(PoisonError::into_inner);
        if by_base_url.len() >= MOST_BASE_URLS && !by_base_url.contains_key(base_url) {
            by_base_url.clear();
        }
        let empty = || (0..(self.agents + 1) * FORMS).map(|_| OnceLock::new()).collect();
        by_base_url.entry(base_url.to_owned()).or_insert_with(empty).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_made_once_for_each_url_agent_and_form() {
        let cache = Cache::new(2);
        let get = |url: &str, agent, form, text: &str| cache.get(url, agent, form, || Rendered::new(text.to_owned())).body;
        assert_eq!(get("http://a", None, CardForm::V1_0, "1"), "1");
        assert_eq!(get("http://a", None, CardForm::V1_0, "2"), "1");
        assert_eq!(get("http://a", Some(1), CardForm::V1_0, "3"), "3");
        assert_eq!(get("http://a", None, CardForm::Hybrid, "4"), "4");
        assert_eq!(get("http://b", None, CardForm::V1_0, "5"), "5");
    }

    #[test]
    fn invented_host_names_do_not_fill_the_memory() {
        let cache = Cache::new(1);
        for number in 0..10 * MOST_BASE_URLS {
            cache.get(&format!("http://{number}"), None, CardForm::V1_0, || Rendered::new("{}".to_owned()));
        }
        assert!(cache.by_base_url.read().unwrap().len() <= MOST_BASE_URLS);
    }
}
