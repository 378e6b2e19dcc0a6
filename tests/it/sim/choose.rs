//! Which actions a seed brings: a world is set up, then anything may happen to it, sensible or not.

const PHONES: [&str; 4] = ["SEP0000000000A1", "SEP0000000000A2", "SEP0000000000A3", "SEP0000000000A4"];
const PROFILES: [&str; 3] = ["P1", "P2", "P3"];
const USERS: [&str; 3] = ["ann", "bob", "cyd"];
const LINES: [&str; 2] = ["7001", "7002"];
const PINS: [&str; 2] = ["11111", "22222"];

/// Numbers from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.roll(of.len() as u64)).unwrap()]
    }

    /// Some of them, in any order, each with a blank before it.
    fn some(&mut self, of: &[&str]) -> String {
        let mut left = of.to_vec();
        let mut chosen = String::new();
        for _ in 0..self.roll(3) {
            let n = usize::try_from(self.roll(left.len() as u64)).unwrap();
            chosen += &format!(" {}", left.swap_remove(n));
        }
        chosen
    }
}

/// The actions of a seed, so many after the world is set up.
pub(super) fn script(seed: u64, steps: u64) -> Vec<String> {
    let mut script: Vec<String> = PHONES.iter().map(|phone| format!("add phone {phone}")).collect();
    for (n, user) in USERS.iter().enumerate() {
        let profile = PROFILES[n];
        script.extend([
            format!("add profile {profile}"),
            format!("add user {user}"),
            format!("profiles {user} {profile}"),
            format!("default {user} {profile}"),
            format!("phones {user} {} {}", PHONES[n], PHONES[3]),
        ]);
    }
    let mut dice = Dice(seed);
    let behaviour = ["Multiple Logins Allowed", "Auto Logout", "Multiple Logins Not Allowed"];
    script.push(format!("parameter MultipleLoginBehavior {}", dice.one(&behaviour)));
    script.push(format!("parameter ClearCallLogs {}", dice.one(&["T", "F"])));
    script.push(format!("buttons P1 {}", LINES[0]));
    script.extend((0..steps).map(|_| action(&mut dice)));
    script
}

fn action(dice: &mut Dice) -> String {
    let (phone, user, profile) = (dice.one(&PHONES), dice.one(&USERS), dice.one(&PROFILES));
    match dice.roll(100) {
        0..=17 => {
            let with = if dice.roll(4) == 0 { format!(" with {profile}") } else { String::new() };
            let limit = dice.one(&["", "", "", " for 600", " for 0", " for 7200"]);
            format!("login {phone} {user}{with}{limit}")
        }
        18..=33 => {
            let pin =
                if dice.roll(4) == 0 { "33333" } else { dice.one(&[PINS[0], PINS[0], PINS[0], PINS[1]]) };
            format!("pin-login {phone} {user} {pin}")
        }
        34..=39 => format!("logout {phone}"),
        40..=45 => format!("leave {phone}"),
        46..=51 => format!("wait {}", dice.one(&["1", "300", "600", "1799", "1800", "3600", "7200"])),
        52..=55 => "sweep".to_owned(),
        56..=57 => "warn".to_owned(),
        58..=59 => format!("extend {phone}"),
        60..=64 => parameter(dice),
        65..=70 => object(dice),
        71..=74 => format!("{} {phone}", dice.one(&["enable", "enable", "disable"])),
        75..=79 => format!("profiles {user}{}", dice.some(&PROFILES)),
        80..=82 => format!("default {user} {}", dice.one(&["-", profile, profile])),
        83..=84 => format!("phones {user}{}", dice.some(&PHONES)),
        85..=86 => format!("pin {user} {}", dice.one(&PINS)),
        87..=90 => format!("buttons {profile}{}", dice.some(&LINES)),
        91..=93 => format!("desk {} {}", dice.one(&LINES), dice.one(&["-", phone, phone])),
        94..=96 => "number".to_owned(),
        97..=98 => "crash".to_owned(),
        _ => "restart".to_owned(),
    }
}

fn parameter(dice: &mut Dice) -> String {
    let (name, values): (&str, &[&str]) = match dice.roll(11) {
        0..=3 => (
            "MultipleLoginBehavior",
            &["Multiple Logins Allowed", "Multiple Logins Not Allowed", "Auto Logout", "Auto Logout"],
        ),
        4 => ("IntraClusterMaxLoginTime", &["0:00", "0:10", "1:00", "2:00"]),
        5 => ("EnforceIntraClusterMaxLoginTime", &["T", "F"]),
        6 => ("ClearCallLogs", &["T", "F"]),
        7 => ("AutomaticLogoutWarning", &["0", "5", "60"]),
        8 => ("AutomaticLogoutExtendMinutes", &["0", "10", "60"]),
        9 => ("AutomaticLogoutExtendTimes", &["1", "2"]),
        _ => ("IntercomDefaultDeviceByAXL", &["T", "F"]),
    };
    format!("parameter {name} {}", dice.one(values))
}

fn object(dice: &mut Dice) -> String {
    let (kind, names): (&str, &[&str]) = match dice.roll(3) {
        0 => ("phone", &PHONES),
        1 => ("profile", &PROFILES),
        _ => ("user", &USERS),
    };
    match dice.roll(5) {
        0 | 1 => format!("add {kind} {}", dice.one(names)),
        2 | 3 => format!("remove {kind} {}", dice.one(names)),
        _ => format!("rename {kind} {} {}", dice.one(names), dice.one(names)),
    }
}
