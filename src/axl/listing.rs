//! Which objects a list means: criteria with wildcards, paging, a stable order by name (axl.md 9).

use super::error::AxlError;
use super::object::{AxlObject, Ctx, Filter, Pattern};
use super::request::{Request, shown_by_get};
use crate::soap::shape::Kind;
use crate::soap::tree::Element;
use crate::store::listing::{self, Begin};
use crate::store::objects::Object;

/// Rows read at a time.
const CHUNK: usize = 1000;
/// Longest pattern, and most wildcards in one (security.md SQL-2).
const LONGEST_PATTERN: usize = 128;
const MOST_WILDCARDS: usize = 8;

/// One criterion: an element and the pattern its value must match; an empty one matches nothing.
#[derive(Debug, Clone)]
struct Criterion {
    tag: String,
    pattern: Pattern,
    is_reference: bool,
}

/// What to list.
#[derive(Debug)]
pub struct Query {
    criteria: Vec<Criterion>,
    skip: usize,
    first: Option<usize>,
}

impl Query {
    /// Reads the criteria and the page of a list request.
    pub fn read<O: AxlObject>(request: &Request) -> Result<Self, AxlError> {
        let shown = shown_by_get(O::TYPE);
        let is_reference = |tag: &str| {
            shown.as_ref().and_then(|g| g.field(tag)).is_some_and(|f| matches!(f.kind, Kind::Reference))
        };
        let criterion = |(tag, pattern): (String, Pattern)| {
            let is_reference = is_reference(&tag);
            Criterion { tag, pattern, is_reference }
        };
        let criteria = criteria_of(&request.body)?.into_iter().map(criterion).collect();
        let (skip, first) = page_of(&request.body)?;
        Ok(Self { criteria, skip, first })
    }

    fn filters<O: AxlObject>(&self) -> Result<Vec<Filter>, AxlError> {
        self.criteria.iter().map(Criterion::filter::<O>).collect()
    }

    /// How many rows match, whatever the page.
    pub fn count<O: AxlObject>(&self, ctx: &mut Ctx<'_, '_>) -> Result<usize, AxlError> {
        Ok(listing::count(ctx.tx, O::TYPE, self.filters::<O>()?)?)
    }

    /// Reads the rows of the page that follow the `done` ones already read, the last of which has the name `after`; with the carried
    /// settings named only. An empty answer is the end. Going on from a name costs the same on every page, and no row turns up
    /// twice or is left out because another one came or went meanwhile.
    pub fn chunk<O: AxlObject>(
        &self,
        ctx: &mut Ctx<'_, '_>,
        carried: &[&str],
        done: usize,
        after: Option<&str>,
    ) -> Result<Vec<Object>, AxlError> {
        let left = self.first.map_or(CHUNK, |first| first.saturating_sub(done).min(CHUNK));
        let begin = after.map_or(Begin::Skip(self.skip), Begin::After);
        Ok(listing::load(ctx.tx, O::TYPE, self.filters::<O>()?, carried, begin, left)?)
    }
}

impl Criterion {
    fn filter<O: AxlObject>(&self) -> Result<Filter, AxlError> {
        if self.pattern.is_empty() {
            return Ok(listing::nothing());
        }
        if self.pattern.is_everything() {
            return Ok(listing::everything());
        }
        if let Some(filter) = O::criterion(&self.tag, &self.pattern) {
            return Ok(filter);
        }
        if self.tag == O::IDENTITY {
            return Ok(listing::name_like(&self.pattern));
        }
        if O::DESCRIPTION == Some(self.tag.as_str()) {
            return Ok(listing::description_like(&self.pattern));
        }
        if self.is_reference {
            return Ok(listing::reference_like(&self.tag, &self.pattern));
        }
        Err(AxlError::invalid(&self.tag, "is no search criterion of this object"))
    }
}

/// The elements that a list is asked by, each with its pattern.
pub(super) fn criteria_of(body: &Element) -> Result<Vec<(String, Pattern)>, AxlError> {
    let given = body.child("searchCriteria").map(|c| c.children.as_slice()).unwrap_or_default();
    if given.is_empty() {
        return Err(AxlError::invalid("searchCriteria", "name at least one criterion; % matches everything"));
    }
    given.iter().map(|element| Ok((element.name.clone(), pattern_of(element)?))).collect()
}

/// The pattern of a criterion.
fn pattern_of(element: &Element) -> Result<Pattern, AxlError> {
    let text = element.text.trim();
    let pattern = Pattern::of(text);
    if text.chars().count() > LONGEST_PATTERN || pattern.wildcards() > MOST_WILDCARDS {
        return Err(AxlError::invalid(&element.name, "a pattern has at most 128 characters and 8 of %"));
    }
    Ok(pattern)
}

/// Which rows a list wants: how many to leave out, which counts only together with how many to show.
pub(super) fn page_of(body: &Element) -> Result<(usize, Option<usize>), AxlError> {
    let first = number(body, "first")?;
    let skip = if first.is_some() { number(body, "skip")?.unwrap_or(0) } else { 0 };
    Ok((skip, first))
}

fn number(body: &Element, tag: &str) -> Result<Option<usize>, AxlError> {
    match body.text_of(tag).map(str::trim).filter(|t| !t.is_empty()) {
        None => Ok(None),
        Some(text) => {
            text.parse().map(Some).map_err(|_| AxlError::invalid(tag, "give a number that is not negative"))
        }
    }
}
