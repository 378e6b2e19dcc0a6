//! Answers what a program asks about phones and people. Names are found whatever their case, and answered as they are stored, in the
//! order asked.

use std::collections::HashMap;

use super::Api;
use super::answer;
use super::document::Query;
use super::percent::readings;
use super::reach::Reach;
use crate::domain::names::fold;
use crate::em::error::EmCode;
use crate::store::StoreError;
use crate::store::presence::{Person, PhonePresence};

/// Answers one query. Who is on a phone is nothing that a person may ask.
pub(super) async fn look_up(api: &Api, query: Query, reach: &Reach) -> Result<Vec<u8>, EmCode> {
    let may = match query.users() {
        None => *reach == Reach::Anybody,
        Some(users) => users.iter().all(|id| reach.covers(id)),
    };
    if !may {
        return Err(EmCode::ProxyRight);
    }
    Ok(match query {
        Query::UsersOfPhones(names) => answer::phones(&phones(api, names).await?),
        Query::PhonesOfUsers(ids) => answer::devices(&people(api, ids).await?),
        Query::Users(ids) => {
            let found = people(api, ids).await?;
            let local = found.into_iter().map(|(id, person)| (id, person.filter(|person| person.is_local)));
            answer::existing(&local.collect::<Vec<_>>())
        }
        Query::ProfilesOfUsers(ids) => answer::profiles(&people(api, ids).await?),
    })
}

async fn phones(api: &Api, names: Vec<String>) -> Result<Vec<(String, Option<PhonePresence>)>, EmCode> {
    let found = api.phones.ask(names.iter().map(|name| fold(name)).collect()).await.map_err(database)?;
    let found: HashMap<_, _> = found.into_iter().map(|phone| (phone.key.clone(), phone)).collect();
    Ok(names
        .into_iter()
        .map(|name| {
            let phone = found.get(&fold(&name)).cloned();
            (name, phone)
        })
        .collect())
}

async fn people(api: &Api, ids: Vec<String>) -> Result<Vec<(String, Option<Person>)>, EmCode> {
    let keys = ids.iter().flat_map(|id| readings(id)).map(|id| fold(&id)).collect();
    let found = api.people.ask(keys).await.map_err(database)?;
    let found: HashMap<_, _> = found.into_iter().map(|person| (person.key.clone(), person)).collect();
    Ok(ids
        .into_iter()
        .map(|id| {
            let person = readings(&id).find_map(|id| found.get(&fold(&id)).cloned());
            (id, person)
        })
        .collect())
}

fn database(error: StoreError) -> EmCode {
    tracing::error!(error = %error, "database does not answer a query of a program");
    EmCode::Database
}
