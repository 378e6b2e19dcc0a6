//! The ticket of somebody whose PIN was right and who still has to choose a profile: it stands for the PIN in the addresses of the menu.
//!
//! It says under a MAC whose PIN of which version was checked, at which phone, how and when. Nothing of it is kept, so that every node
//! can judge it. It holds for two minutes, at its phone only, until a session that was opened with it has ended there, and is dead as
//! soon as the PIN is changed or locked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use ring::hmac;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::Principal;
use super::proof::{Refused, Verified};
use super::verify::Verifier;
use crate::domain::credential::SecretKind;
use crate::domain::event::LoginMethod;

const PURPOSE: &[u8] = b"emgate profile ticket 1";
/// Seconds for which it holds.
const HOLDS: i64 = 120;
const TAG_LENGTH: usize = 16;

/// Makes and judges tickets.
#[derive(Clone)]
pub struct Tickets {
    verifier: Verifier,
    key: hmac::Key,
}

/// What a ticket says beside its phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticket {
    account: Uuid,
    version: i64,
    /// Seconds since 1970.
    at: i64,
    method: LoginMethod,
}

/// Where a ticket is good, as the phone is at this moment.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Name of the phone as stored.
    pub phone: &'a str,
    /// The last session that has ended on it.
    pub last_session: Option<Uuid>,
}

impl Tickets {
    /// Tickets under the pepper that all nodes share.
    pub fn new(verifier: &Verifier) -> Self {
        Self { key: verifier.derived_key(PURPOSE, b""), verifier: verifier.clone() }
    }

    /// Makes one.
    pub fn issue(&self, who: &Verified<Principal>, method: LoginMethod, place: Place<'_>) -> String {
        let ticket =
            Ticket { account: who.who().uuid, version: who.version(), at: who.at().timestamp(), method };
        let said = ticket.bytes();
        let tag = self.tag(&said, place);
        let tag = tag.as_ref().get(..TAG_LENGTH).unwrap_or_default();
        URL_SAFE_NO_PAD.encode([said.as_slice(), tag].concat())
    }

    /// Whose PIN it stands for, and how they signed in.
    pub async fn redeem(
        &self,
        text: &str,
        place: Place<'_>,
    ) -> Result<(Verified<Principal>, LoginMethod), Refused> {
        let ticket = self.open(text, place).ok_or(Refused::Wrong)?;
        let who = self.verifier.verify_again(ticket.account, SecretKind::Pin, ticket.version).await?;
        let age = who.at().timestamp() - ticket.at;
        let given = DateTime::from_timestamp(ticket.at, 0).filter(|_| (0..=HOLDS).contains(&age));
        // a ticket that is made of this one is no younger
        given.map(|at| (who.given_at(at), ticket.method)).ok_or(Refused::Wrong)
    }

    fn open(&self, text: &str, place: Place<'_>) -> Option<Ticket> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (said, tag) = bytes.split_last_chunk::<TAG_LENGTH>()?;
        let right = self.tag(said, place);
        let right = right.as_ref().get(..TAG_LENGTH)?;
        if bool::from(right.ct_eq(tag)) { Ticket::parse(said) } else { None }
    }

    fn tag(&self, said: &[u8], place: Place<'_>) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(said);
        context.update(place.last_session.unwrap_or_default().as_bytes());
        context.update(place.phone.as_bytes());
        context.sign()
    }
}

impl Ticket {
    fn bytes(&self) -> Vec<u8> {
        let numbers = [self.version, self.at].map(i64::to_be_bytes);
        [self.account.as_bytes().as_slice(), numbers.as_flattened(), &[method_byte(self.method)]].concat()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (account, rest) = bytes.split_first_chunk::<16>()?;
        let (version, rest) = rest.split_first_chunk::<8>()?;
        let (at, rest) = rest.split_first_chunk::<8>()?;
        let &[method] = rest else { return None };
        Some(Self {
            account: Uuid::from_bytes(*account),
            version: i64::from_be_bytes(*version),
            at: i64::from_be_bytes(*at),
            method: method_of(method)?,
        })
    }
}

fn method_byte(method: LoginMethod) -> u8 {
    match method {
        LoginMethod::UserId => b'U',
        LoginMethod::SelfServiceId => b'S',
        LoginMethod::PrimaryExtension => b'D',
        LoginMethod::Api => b'A',
    }
}

fn method_of(byte: u8) -> Option<LoginMethod> {
    use LoginMethod::{Api, PrimaryExtension, SelfServiceId, UserId};
    [UserId, SelfServiceId, PrimaryExtension, Api].into_iter().find(|method| method_byte(*method) == byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_ticket_says_is_read_as_it_was_written() {
        let ticket =
            Ticket { account: Uuid::max(), version: -2, at: i64::MAX, method: LoginMethod::SelfServiceId };
        let bytes = ticket.bytes();
        assert_eq!(Ticket::parse(&bytes), Some(ticket));
        for cut in 0..bytes.len() {
            assert_eq!(Ticket::parse(&bytes[..cut]), None);
        }
        assert_eq!(Ticket::parse(&[bytes.as_slice(), &[0]].concat()), None);
    }
}
