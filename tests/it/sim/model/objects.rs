//! What provisioning does: objects come, go and change, and what rests on them follows (events.md 8, design.md 17 and 18).

use super::{Expected, Model, Phone, User};

fn swap(list: &mut [String], name: &str, new: &str) {
    list.iter_mut().filter(|n| *n == name).for_each(|n| new.clone_into(n));
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

impl Model {
    fn exists(&self, kind: &str, name: &str) -> bool {
        match kind {
            "phone" => self.phones.contains_key(name),
            "profile" => self.profiles.contains_key(name),
            _ => self.users.contains_key(name),
        }
    }

    pub(super) fn add(&mut self, kind: &str, name: &str) -> Expected {
        if self.exists(kind, name) {
            return Expected::refused("-239");
        }
        match kind {
            "phone" => drop(self.phones.insert(name.to_owned(), Phone { enabled: true })),
            "profile" => drop(self.profiles.insert(name.to_owned(), Vec::new())),
            _ => {
                let user = User { pin: "11111".into(), ..User::default() };
                self.users.insert(name.to_owned(), user);
            }
        }
        Expected::ok(vec![format!("add {} {name}", type_of(kind))])
    }

    pub(super) fn remove(&mut self, kind: &str, name: &str) -> Expected {
        if !self.exists(kind, name) {
            return Expected::refused("5007");
        }
        let mut told = match kind {
            "phone" => self.lose_phone(name),
            "profile" if !self.phones_of(|s| s.profile == name).is_empty() => {
                return Expected::refused("-692");
            }
            "profile" => self.lose_profile(name),
            _ => {
                let on = self.phones_of(|s| s.user == name);
                self.users.remove(name);
                on.iter().map(|phone| self.end(phone, "user-removed")).collect()
            }
        };
        told.push(format!("remove {} {name}", type_of(kind)));
        Expected::ok(told)
    }

    fn lose_phone(&mut self, name: &str) -> Vec<String> {
        let mut told = Vec::new();
        if self.sessions.contains_key(name) {
            told.push(self.end(name, "device-removed"));
        }
        self.phones.remove(name);
        let mut emptied = Vec::new();
        for (line, desk) in self.lines.iter_mut().filter(|(_, desk)| desk.as_deref() == Some(name)) {
            *desk = None;
            emptied.push(line.clone());
        }
        told.extend(emptied.iter().map(|line| format!("intercom {line} - cleared-device-removed")));
        told.extend(emptied.iter().map(|line| format!("update Line {line}| defaultActivatedDeviceName=-")));
        for (user, person) in self.users.iter_mut().filter(|(_, p)| p.phones.iter().any(|n| n == name)) {
            person.phones.retain(|n| n != name);
            told.push(format!("update User {user} associatedDevices=-"));
        }
        told
    }

    fn lose_profile(&mut self, name: &str) -> Vec<String> {
        self.profiles.remove(name);
        let mut told = Vec::new();
        for (user, person) in self.users.iter_mut().filter(|(_, p)| p.profiles.iter().any(|n| n == name)) {
            person.profiles.retain(|n| n != name);
            let default = person.default.take_if(|d| d == name).map_or("", |_| " defaultProfile=-");
            told.push(format!("update User {user}{default} phoneProfiles=-"));
        }
        told
    }

    pub(super) fn rename(&mut self, kind: &str, name: &str, new: &str) -> Expected {
        if !self.exists(kind, name) {
            return Expected::refused("5003");
        }
        if name == new {
            return Expected::ok(Vec::new());
        }
        if self.exists(kind, new) {
            return Expected::refused("-239");
        }
        let (type_, new_name, mut told) = (type_of(kind), new.to_owned(), Vec::new());
        match kind {
            "phone" => {
                let phone = self.phones.remove(name).unwrap();
                self.phones.insert(new_name, phone);
                // the handset of that name is another one from now on
                if self.sessions.contains_key(name) {
                    told.push(self.end(name, "administrator"));
                }
                let desks = self.lines.values_mut().flatten().filter(|desk| *desk == name);
                desks.for_each(|desk| new.clone_into(desk));
                self.users.values_mut().for_each(|p| swap(&mut p.phones, name, new));
            }
            "profile" => {
                let lines = self.profiles.remove(name).unwrap();
                self.profiles.insert(new_name, lines);
                let shown = self.sessions.values_mut().filter(|s| s.profile == name);
                shown.for_each(|s| new.clone_into(&mut s.profile));
                for person in self.users.values_mut() {
                    swap(&mut person.profiles, name, new);
                    swap(person.default.as_mut_slice(), name, new);
                }
            }
            _ => {
                let user = self.users.remove(name).unwrap();
                self.users.insert(new_name, user);
                let on = self.sessions.values_mut().filter(|s| s.user == name);
                on.for_each(|s| new.clone_into(&mut s.user));
            }
        }
        let tag = if kind == "user" { "userid" } else { "name" };
        told.push(format!("update {type_} {new} {tag}={new}"));
        Expected::ok(told)
    }

    /// Switching a phone off ends its session first.
    pub(super) fn enable(&mut self, phone: &str, enabled: bool) -> Expected {
        let Some(here) = self.phones.get_mut(phone) else { return Expected::refused("5003") };
        if here.enabled == enabled {
            return Expected::ok(Vec::new());
        }
        here.enabled = enabled;
        let mut told = Vec::new();
        if !enabled && self.sessions.contains_key(phone) {
            told.push(self.end(phone, "device-disabled"));
        }
        told.push(format!("update Phone {phone} enableExtensionMobility={enabled}"));
        Expected::ok(told)
    }

    /// Sessions with a profile that leaves the list end; a default that leaves it is emptied.
    pub(super) fn give_profiles(&mut self, user: &str, names: &[&str]) -> Expected {
        if !self.users.contains_key(user) || names.iter().any(|n| !self.profiles.contains_key(*n)) {
            return Expected::refused("5003");
        }
        let held = std::mem::replace(&mut self.users.get_mut(user).unwrap().profiles, owned(names));
        let mut told = Vec::new();
        for lost in held.iter().filter(|n| !names.contains(&n.as_str())) {
            for phone in self.phones_of(|s| s.user == user && s.profile == *lost) {
                told.push(self.end(&phone, "profile-unassigned"));
            }
        }
        let person = self.users.get_mut(user).unwrap();
        let default = person.default.take_if(|d| !names.contains(&d.as_str()));
        if held != person.profiles {
            let default = default.map_or("", |_| " defaultProfile=-");
            told.push(format!("update User {user}{default} phoneProfiles=-"));
        }
        Expected::ok(told)
    }

    pub(super) fn give_default(&mut self, user: &str, profile: Option<&str>) -> Expected {
        let Some(person) = self.users.get_mut(user) else { return Expected::refused("5003") };
        if profile.is_some_and(|p| !person.profiles.iter().any(|held| held == p)) {
            return Expected::refused("5003");
        }
        if person.default.as_deref() == profile {
            return Expected::ok(Vec::new());
        }
        person.default = profile.map(str::to_owned);
        Expected::ok(vec![format!("update User {user} defaultProfile={}", profile.unwrap_or("-"))])
    }

    pub(super) fn give_phones(&mut self, user: &str, names: &[&str]) -> Expected {
        if !self.users.contains_key(user) || names.iter().any(|n| !self.phones.contains_key(*n)) {
            return Expected::refused("5003");
        }
        let held = std::mem::replace(&mut self.users.get_mut(user).unwrap().phones, owned(names));
        let told = (held != owned(names)).then(|| format!("update User {user} associatedDevices=-"));
        Expected::ok(told.into_iter().collect())
    }

    /// Intercom lines on a profile choose the phone on which it is active.
    pub(super) fn put_lines(&mut self, profile: &str, lines: &[&str]) -> Expected {
        if !self.profiles.contains_key(profile) {
            return Expected::refused("5003");
        }
        let held = self.profiles.insert(profile.to_owned(), owned(lines)).unwrap();
        let mut told = Vec::new();
        if held != owned(lines) {
            told.push(format!("update DeviceProfile {profile} lines=-"));
        }
        let active = self.phones_of(|s| s.profile == profile).into_iter().next();
        let mut sorted = owned(lines);
        sorted.sort();
        told.extend(self.choose_desk(&sorted, active.as_deref()));
        Expected::ok(told)
    }

    /// Lines without a default device get this one, where the parameter lets them.
    pub(super) fn choose_desk(&mut self, lines: &[String], phone: Option<&str>) -> Vec<String> {
        let Some(phone) = phone.filter(|_| self.is_on("IntercomDefaultDeviceByAXL")) else {
            return Vec::new();
        };
        let mut told = Vec::new();
        for line in lines {
            let desk = self.lines.get_mut(line).unwrap();
            if desk.is_none() {
                *desk = Some(phone.to_owned());
                told.push(format!("intercom {line} {phone} auto-selected"));
            }
        }
        told
    }

    pub(super) fn place_line(&mut self, line: &str, phone: Option<&str>) -> Expected {
        if phone.is_some_and(|p| !self.phones.contains_key(p)) {
            return Expected::refused("5003");
        }
        let desk = self.lines.get_mut(line).unwrap();
        let change = match (desk.as_deref(), phone) {
            (before, now) if before == now => return Expected::ok(Vec::new()),
            (None, _) => "assigned",
            (Some(_), Some(_)) => "reassigned",
            (Some(_), None) => "cleared",
        };
        *desk = phone.map(str::to_owned);
        let shown = phone.unwrap_or("-");
        Expected::ok(vec![
            format!("update Line {line}| defaultActivatedDeviceName={shown}"),
            format!("intercom {line} {shown} {change}"),
        ])
    }
}

fn type_of(kind: &str) -> &'static str {
    match kind {
        "phone" => "Phone",
        "profile" => "DeviceProfile",
        _ => "User",
    }
}
