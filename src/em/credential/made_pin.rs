//! PINs that are made for people, each as good as one that they could have chosen.

use zeroize::Zeroizing;

use crate::domain::credential::ChoicePolicy;
use crate::domain::pin_choice::{self, PinOwner};
use crate::domain::secret::Pin;

/// Digits of one, unless the policy asks for more.
const DIGITS: usize = 6;

/// Makes one; none where the system has no randomness.
pub(super) fn make(owner: &PinOwner, choice: &ChoicePolicy) -> Option<Pin> {
    let length = choice.least_length.max(DIGITS);
    loop {
        let mut bytes = Zeroizing::new(vec![0_u8; length * 2]);
        getrandom::fill(&mut bytes).ok()?;
        // 250 is the last multiple of ten in a byte: each digit is as likely as the others
        let digits = bytes.iter().filter(|b| **b < 250).map(|b| char::from(b'0' + b % 10));
        let text: Zeroizing<String> = Zeroizing::new(digits.take(length).collect());
        let pin = text.parse().ok().filter(|pin| pin_choice::flaw(pin, owner, choice).is_none());
        if let Some(pin) = pin.filter(|_| text.len() == length) {
            return Some(pin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::credential::CredentialPolicy;

    #[test]
    fn a_made_pin_is_one_that_its_holder_could_have_chosen() {
        let choice = CredentialPolicy::default().choice;
        let owner = PinOwner { names: vec!["ada".into()], extensions: vec!["2145".into()] };
        for _ in 0..200 {
            let pin = make(&owner, &choice).unwrap();
            assert_eq!(pin.expose().len(), 6);
            assert_eq!(pin_choice::flaw(&pin, &owner, &choice), None);
        }
    }
}
