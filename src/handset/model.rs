//! The models of phones that can be simulated: what they say of themselves, and where their own soft keys are.
//!
//! Display areas are those that the phones announce for services; the one of the 8851 is its screen.

/// A model.
#[derive(Debug, PartialEq, Eq)]
pub struct Model {
    /// Its number, as people say it.
    pub name: &'static str,
    /// The product in the words of the provisioning API.
    pub product: &'static str,
    /// How it names itself in requests.
    pub(super) announced: &'static str,
    /// Width, height, bits a pixel, and whether there is colour.
    pub(super) display: &'static str,
    /// Version of the service interface that it knows.
    pub(super) interface: &'static str,
    /// Which objects it shows, as it says it in requests.
    pub(super) accept: &'static str,
    /// The charsets that it reads, the one it likes best first.
    pub(super) charsets: &'static str,
    /// What it puts in place of `#EMCC#`.
    pub(super) emcc: &'static str,
    /// Its own soft keys, left to right, where an object brings none.
    pub(super) keys: Keys,
}

/// Order of a model's own soft keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// What is done first, then exit.
    ExitLast,
    /// Exit, then what is done.
    ExitFirst,
}

/// All models, the usual one first.
pub const MODELS: [Model; 3] = [
    Model {
        name: "8851",
        product: "Cisco 8851",
        announced: "CP-8851",
        display: "800, 480, 24, C",
        interface: "9.3.1",
        accept: "x-CiscoIPPhone/*;version=9.3.1,text/*,image/png,*/*",
        charsets: "utf-8,iso-8859-1;q=0.8",
        emcc: "true",
        keys: Keys::ExitFirst,
    },
    Model {
        name: "7960",
        product: "Cisco 7960",
        announced: "CP-7960G",
        display: "133, 65, 2, G",
        interface: "3.3.3",
        accept: "x-CiscoIPPhone/*;version=3.3.3, text/*",
        charsets: "iso-8859-1,utf-8;q=0.8",
        emcc: "",
        keys: Keys::ExitLast,
    },
    Model {
        name: "7905",
        product: "Cisco 7905",
        announced: "CP-7905G",
        display: "192, 64, 1, G",
        interface: "3.3.3",
        accept: "x-CiscoIPPhone/Menu, x-CiscoIPPhone/Text, x-CiscoIPPhone/Input, x-CiscoIPPhone/Directory, x-CiscoIPPhone/Execute, text/*",
        charsets: "iso-8859-1",
        emcc: "",
        keys: Keys::ExitLast,
    },
];

impl Model {
    /// The model of this number.
    pub fn of_name(name: &str) -> Option<&'static Self> {
        MODELS.iter().find(|model| model.name == name)
    }
}
