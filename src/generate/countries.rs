//! The countries that generated clients are in: addresses, telephone numbers, names and currencies.

/// Where a client can be.
pub(super) struct Country {
    /// The last line of the address.
    pub(super) name: &'static str,
    /// The currency's label.
    pub(super) currency: &'static str,
    /// The usual tax, in tenths of a percent.
    pub(super) tax: Option<i64>,
    /// Roughly how many units of the currency a dollar buys.
    pub(super) rate: i64,
    /// Patterns of the first line.
    pub(super) streets: &'static [&'static str],
    /// Patterns of a second line, which few addresses have.
    pub(super) floors: &'static [&'static str],
    /// Patterns of the city's line, and of its telephone numbers.
    pub(super) cities: &'static [(&'static str, &'static str)],
    pub(super) first_names: &'static [&'static str],
    pub(super) last_names: &'static [&'static str],
    /// The legal forms of firms, such as Ltd.
    pub(super) forms: &'static [&'static str],
    /// The label of the fax number.
    pub(super) fax: &'static str,
}

/// The countries with their weights.
pub(super) static COUNTRIES: [(u64, &Country); 8] = [
    (54, &UNITED_STATES),
    (12, &UNITED_KINGDOM),
    (8, &CANADA),
    (8, &GERMANY),
    (6, &AUSTRALIA),
    (5, &FRANCE),
    (4, &SWEDEN),
    (3, &JAPAN),
];

const ENGLISH_FIRST: &[&str] = &[
    "Alice", "Amir", "Brenda", "Carlos", "Dana", "Deborah", "Emily", "Grace", "Hector", "Irene", "James", "Jane",
    "Kofi", "Laura", "Lucía", "Marcus", "Mei", "Michael", "Nadia", "Omar", "Patrick", "Priya", "Rachel", "Ravi",
    "Samuel", "Sean", "Sofia", "Thomas", "Valerie", "Zoë",
];
const ENGLISH_LAST: &[&str] = &[
    "Abbott",
    "Baker",
    "Becker",
    "Brooks",
    "Chen",
    "Coleman",
    "Dawson",
    "Edwards",
    "Fernández",
    "Fletcher",
    "Garcia",
    "Hughes",
    "Ibrahim",
    "Jensen",
    "Kaplan",
    "Lindqvist",
    "Marsh",
    "Miller",
    "Nakamura",
    "Novak",
    "O'Brien",
    "O'Neill",
    "Okafor",
    "Patel",
    "Quinn",
    "Reyes",
    "Sawyer",
    "Silva",
    "Turner",
    "Underwood",
    "Vaughn",
    "Walsh",
    "Whitaker",
    "Young",
];

static UNITED_STATES: Country = Country {
    name: "USA",
    currency: "United States Dollar - USD",
    rate: 1,
    tax: Some(85),
    streets: &[
        "%## Main St.",
        "%### Washington Ave",
        "%## Old Post Rd",
        "%#### Market Street",
        "%# W %#th St",
        "%## Elm Dr",
        "%### Lakeview Blvd",
        "P.O. Box %###",
    ],
    floors: &["Suite %##", "Third Floor", "Floor %#", "Unit %@", "Bldg. % / Rm. %##"],
    cities: &[
        ("New York, NY 100##", "212-555-01##"),
        ("Springfield, MA 011##", "413-555-01##"),
        ("Boulder, CO 803##", "303-555-01##"),
        ("Portland, OR 972##", "503-555-01##"),
        ("Albany, NY 122##", "518-555-01##"),
        ("Madison, WI 537##", "608-555-01##"),
        ("Austin, TX 787##", "512-555-01##"),
        ("Santa Fe, NM 875##", "505-555-01##"),
        ("Chicago, IL 606##", "312-555-01##"),
        ("San Francisco, CA 941##", "415-555-01##"),
    ],
    first_names: ENGLISH_FIRST,
    last_names: ENGLISH_LAST,
    forms: &["Inc.", "LLC", "Co.", "Corp."],
    fax: " (fax)",
};

static UNITED_KINGDOM: Country = Country {
    name: "United Kingdom",
    currency: "British Pound - GBP",
    rate: 1,
    tax: Some(200),
    streets: &["%# High Street", "%## Station Road", "% King's Parade", "%# Mill Lane", "%## Church Rd"],
    floors: &["Ground Floor", "Unit %#", "The Old Bakery"],
    cities: &[
        ("London EC#A %@@", "020 7946 0###"),
        ("Bristol BS% #@@", "0117 496 0###"),
        ("Leeds LS% #@@", "0113 496 0###"),
        ("Edinburgh EH% #@@", "0131 496 0###"),
        ("Cardiff CF%# #@@", "029 2018 0###"),
    ],
    first_names: ENGLISH_FIRST,
    last_names: ENGLISH_LAST,
    forms: &["Ltd.", "LLP", "plc"],
    fax: " (fax)",
};

static CANADA: Country = Country {
    name: "Canada",
    currency: "Canadian Dollar - CAD",
    rate: 1,
    tax: Some(130),
    streets: &["%## King Street West", "%### Rue Saint-Denis", "%## Bloor St.", "%### Granville Street"],
    floors: &["Suite %##", "2e étage"],
    cities: &[
        ("Toronto, ON  M%@ #@#", "416-555-01##"),
        ("Montréal, QC  H%@ #@#", "514-555-01##"),
        ("Vancouver, BC  V%@ #@#", "604-555-01##"),
    ],
    first_names: ENGLISH_FIRST,
    last_names: ENGLISH_LAST,
    forms: &["Inc.", "Ltd.", "Ltée"],
    fax: " (fax)",
};

static GERMANY: Country = Country {
    name: "Deutschland",
    currency: "Euro - EUR",
    rate: 1,
    tax: Some(190),
    streets: &["Hauptstraße %#", "Bahnhofstr. %##", "Lindenallee %", "Am Mühlbach %#", "Königstraße %#"],
    floors: &["2. OG", "Hinterhaus", "Postfach %## ###"],
    cities: &[
        ("10### Berlin", "030 23125 ###"),
        ("80### München", "089 99998 ###"),
        ("50### Köln", "0221 4710 ###"),
        ("90### Nürnberg", "0911 5550 ###"),
    ],
    first_names: &["Anke", "Björn", "Claudia", "Hans-Jürgen", "Jörg", "Katrin", "Matthias", "Özlem", "Sabine", "Uwe"],
    last_names: &[
        "Bäcker",
        "Fischer",
        "Groß",
        "Hoffmann",
        "Krüger",
        "Müller",
        "Schäfer",
        "Schröder",
        "Vogel",
        "Yilmaz",
    ],
    forms: &["GmbH", "AG", "GmbH & Co. KG", "e.K."],
    fax: " (Fax)",
};

static AUSTRALIA: Country = Country {
    name: "Australia",
    currency: "Australian Dollar - AUD",
    rate: 1,
    tax: Some(100),
    streets: &["%# Collins Street", "%## George St", "%# Beach Road", "Level % / %## Queen Street"],
    floors: &["Shop %", "GPO Box %###"],
    cities: &[
        ("Melbourne VIC 300#", "(03) 5550 ####"),
        ("Sydney NSW 200#", "(02) 5550 ####"),
        ("Brisbane QLD 400#", "(07) 5550 ####"),
    ],
    first_names: ENGLISH_FIRST,
    last_names: ENGLISH_LAST,
    forms: &["Pty Ltd", "Pty. Ltd."],
    fax: " (fax)",
};

static FRANCE: Country = Country {
    name: "France",
    currency: "Euro - EUR",
    rate: 1,
    tax: Some(196),
    streets: &["% rue de l'Église", "%# avenue de la République", "%## boulevard Voltaire", "% place du Marché"],
    floors: &["Bâtiment @", "BP %##"],
    cities: &[("750## Paris", "01 99 00 ## ##"), ("690## Lyon", "04 65 71 ## ##"), ("440## Nantes", "02 61 91 ## ##")],
    first_names: &["Amélie", "Benoît", "Chloé", "Étienne", "François", "Hélène", "Karim", "Manon", "Noémie", "Théo"],
    last_names: &["Benali", "Chevalier", "Dubois", "Fournier", "Girard", "Lefèvre", "Moreau", "Noël", "Rousseau"],
    forms: &["SARL", "SA", "SAS"],
    fax: " (fax)",
};

static SWEDEN: Country = Country {
    name: "Sverige",
    currency: "Swedish Krona - SEK",
    rate: 7,
    tax: Some(250),
    streets: &["Storgatan %#", "Drottninggatan %##", "Ågatan %", "Östra Hamngatan %#"],
    floors: &["3 tr", "Box %##"],
    cities: &[
        ("111 ## Stockholm", "08-465 004 ##"),
        ("411 ## Göteborg", "031-390 06 ##"),
        ("211 ## Malmö", "040-628 04 ##"),
    ],
    first_names: &["Åsa", "Bengt", "Elin", "Göran", "Ingrid", "Karl-Erik", "Linnéa", "Märta", "Nils", "Örjan"],
    last_names: &["Andersson", "Bergström", "Ek", "Håkansson", "Lindqvist", "Nyström", "Sjöberg", "Åkesson"],
    forms: &["AB", "HB", "& Co"],
    fax: " (fax)",
};

static JAPAN: Country = Country {
    name: "Japan",
    currency: "Japanese Yen - JPY",
    rate: 100,
    tax: None,
    streets: &["%-%#-% Jingūmae", "%-%-%# Hommachi", "丸の内%-%-%"],
    floors: &["Sakura Bldg. %F", "#05号室"],
    cities: &[
        ("Tōkyō 1##-00##", "03-5550-####"),
        ("Ōsaka 5##-00##", "06-5550-####"),
        ("京都市 6##-80##", "075-555-####"),
    ],
    first_names: &["Akiko", "Daisuke", "Hiroshi", "Keiko", "Naoko", "Yūta", "美咲", "健太"],
    last_names: &["Fujimoto", "Hayashi", "Kobayashi", "Ōno", "Satō", "Tanaka", "山本", "渡辺"],
    forms: &["K.K.", "株式会社", "Co., Ltd."],
    fax: " (fax)",
};
