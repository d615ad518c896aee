//! Lists. A page has exactly six keys: several SDKs find the records as "the one key that is left over", and one more would make
//! the whole list fail.

use super::{
    error::{Code, Refused},
    fields::{Field, Fields},
};
use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use countersign_engine::queries::{Page, Slice};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// Which page is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paging {
    page: u64,
    size: u32,
}

const USUAL_SIZE: u64 = 20;
const LARGEST_SIZE: u64 = 1000;

impl Paging {
    /// Of a query. A size beyond the largest is the largest, and the answer says so.
    pub(super) fn of(query: &Fields) -> Result<Self, Refused> {
        let size = number(query, "pageSize", Code::BadPageSize)?.unwrap_or(USUAL_SIZE);
        if size == 0 {
            return Err(Code::BadPageSize.refused());
        }
        let size = u32::try_from(size.min(LARGEST_SIZE)).unwrap_or(u32::MAX);
        Ok(Self { page: number(query, "page", Code::BadPage)?.unwrap_or(0), size })
    }

    pub(super) fn slice(self) -> Slice {
        Slice { skip: self.page.saturating_mul(self.size.into()), take: self.size }
    }

    /// The answer, with its records under these two keys.
    pub(super) fn answer<T, O: Serialize>(
        self,
        (total_key, key): (&'static str, &'static str),
        found: Page<T>,
        object: impl Fn(T) -> O,
    ) -> Response {
        let records = found.items.into_iter().map(object).collect();
        Json(PageObject { paging: self, total_key, key, total: found.total, records }).into_response()
    }
}

/// Digits; as many as there may be, the largest number that there is says enough.
fn number(query: &Fields, name: &str, wrong: Code) -> Result<Option<u64>, Refused> {
    let Some(Field::Text(text)) = query.get(name) else { return Ok(None) };
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // SDKs in typed languages read it as a number with a sign.
    let largest = u64::try_from(i64::MAX).unwrap_or(u64::MAX);
    if is_plain { Ok(Some(text.parse().unwrap_or(largest).min(largest))) } else { Err(wrong.refused()) }
}

struct PageObject<O> {
    paging: Paging,
    total_key: &'static str,
    key: &'static str,
    total: u64,
    records: Vec<O>,
}

impl<O: Serialize> Serialize for PageObject<O> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let pages = self.total.div_ceil(self.paging.size.into());
        let mut map = to.serialize_map(Some(6))?;
        map.serialize_entry("page", &self.paging.page)?;
        map.serialize_entry("pageSize", &self.paging.size)?;
        map.serialize_entry(self.total_key, &self.total)?;
        map.serialize_entry("totalPages", &pages)?;
        map.serialize_entry("outOfPageRange", &(self.paging.page >= pages.max(1)))?;
        map.serialize_entry(self.key, &self.records)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(query: &str) -> Result<Paging, Refused> {
        Paging::of(&Fields::of_form(query.as_bytes()))
    }

    fn written(query: &str, total: u64) -> String {
        let (total_key, key, paging) = ("totalThings", "things", paging(query).unwrap());
        serde_json::to_string(&PageObject::<u8> { paging, total_key, key, total, records: vec![] }).unwrap()
    }

    #[test]
    fn sizes_are_at_least_one_and_at_most_a_thousand() {
        assert_eq!(paging(""), Ok(Paging { page: 0, size: 20 }));
        assert_eq!(paging("pageSize=1001&page=3"), Ok(Paging { page: 3, size: 1000 }));
        assert_eq!(paging("pageSize=99999999999999999999999").map(|paging| paging.size), Ok(1000));
        for bad in ["pageSize=0", "pageSize=-1", "pageSize=", "pageSize=x", "pageSize=1.5"] {
            assert_eq!(paging(bad), Err(Code::BadPageSize.refused()), "{bad}");
        }
        for bad in ["page=-1", "page=", "page=x"] {
            assert_eq!(paging(bad), Err(Code::BadPage.refused()), "{bad}");
        }
    }

    #[test]
    fn a_page_has_six_keys_and_says_when_it_is_beyond_the_end() {
        let page = |page: u64, pages: u64, out: bool, total: u64| {
            format!(
                r#"{{"page":{page},"pageSize":2,"totalThings":{total},"totalPages":{pages},"outOfPageRange":{out},"things":[]}}"#
            )
        };
        for (number, pages, out, total) in
            [(0, 0, false, 0), (1, 0, true, 0), (0, 1, false, 2), (1, 2, false, 3), (2, 2, true, 3), (9, 2, true, 3)]
        {
            assert_eq!(written(&format!("pageSize=2&page={number}"), total), page(number, pages, out, total));
        }
        let far = paging("pageSize=1000&page=99999999999999999999").unwrap();
        assert_eq!(far.slice().skip, u64::MAX, "no overflow");
    }
}
