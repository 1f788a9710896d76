//! The words that synthetic people are made of.

/// First names, the common ones first.
pub const FIRST_NAMES: &str = "Mary John Anna James Maria Robert Patricia Michael Jennifer David \
    Linda William Elizabeth Richard Barbara Joseph Susan Thomas Jessica Charles Sarah Daniel Karen \
    Matthew Lisa Anthony Nancy Mark Betty Paul Sandra Steven Margaret Andrew Ashley Kenneth Emily \
    Joshua Donna Kevin Michelle Brian Carol George Amanda Timothy Melissa Ronald Deborah Jason \
    Stephanie Edward Rebecca Jeffrey Laura Ryan Helen Jacob Sharon Gary Cynthia Nicholas Kathleen \
    Eric Amy Jonathan Shirley Stephen Angela Larry Ruth Justin Brenda Scott Pamela Brandon Nicole \
    Benjamin Katherine Samuel Virginia Gregory Catherine Alexander Christine Patrick Samantha Frank \
    Debra Raymond Janet Jack Carolyn Dennis Rachel Jerry Heather Tyler Diane Aaron Olga Ivan Yuki \
    Hiroshi Mei Wei Aisha Omar Fatima Hassan Priya Arjun Lakshmi Ravi Ingrid Lars Freja Sven Chloe \
    Hugo Giulia Marco Sofia Pedro Lucia Diego Zofia Piotr Eszter Gabor";

/// Last names, the common ones first.
pub const LAST_NAMES: &str = "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez \
    Martinez Hernandez Lopez Gonzalez Wilson Anderson Thomas Taylor Moore Jackson Martin Lee Perez \
    Thompson White Harris Sanchez Clark Ramirez Lewis Robinson Walker Young Allen King Wright Scott \
    Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell Carter Roberts \
    Gomez Phillips Evans Turner Diaz Parker Cruz Edwards Collins Reyes Stewart Morris Morales Murphy \
    Cook Rogers Gutierrez Ortiz Morgan Cooper Peterson Bailey Reed Kelly Howard Ramos Kim Cox Ward \
    Richardson Watson Brooks Chavez Wood James Bennett Gray Mendoza Ruiz Hughes Price Alvarez \
    Castillo Sanders Patel Myers Long Ross Foster Jimenez Powell Jenkins Perry Russell Sullivan Bell \
    Coleman Butler Henderson Barnes Fisher Vasquez Simmons Romero Jordan Patterson Alexander \
    Hamilton Graham Reynolds Griffin Wallace Moreno West Cole Hayes Bryant Herrera Gibson Ellis Tran \
    Medina Aguilar Stevens Murray Ford Castro Marshall Owens Harrison Fernandez McDonald Woods \
    Washington Kennedy Wells Vargas Henry Chen Freeman Webb Tucker Guzman Burns Crawford Olson \
    Simpson Porter Hunter Gordon Mendez Silva Shaw Snyder Mason Dixon Munoz Hunt Hicks Holmes Palmer \
    Wagner Black Robertson Boyd Rose Stone Salazar Fox Warren Mills Meyer Rice Schmidt Garza Daniels \
    Ferguson Nichols Stephens Soto Weaver Ryan Gardner Payne Grant Dunn Kelley Spencer Hawkins";

/// Cities, the large ones first.
pub const CITIES: &str = "Tokyo Delhi Shanghai Dhaka Cairo Mexico-City Beijing Mumbai Osaka Chongqing \
    Karachi Istanbul Kinshasa Lagos Buenos-Aires Kolkata Manila Guangzhou Lahore Bangalore \
    Rio-de-Janeiro Shenzhen Moscow Tianjin Jakarta London Lima Bangkok Chennai Seoul Bogota Nagoya \
    Hyderabad Paris Chicago Chengdu Tehran Nanjing Wuhan Luanda Xian Ahmedabad Kuala-Lumpur \
    Hangzhou New-York Houston Shenyang Riyadh Baghdad Santiago Surat Madrid Suzhou Pune Harbin \
    Toronto Belo-Horizonte Khartoum Johannesburg Singapore Dalian Qingdao Barcelona Fukuoka Accra \
    Berlin Atlanta Sydney Casablanca Miami Alexandria Melbourne Monterrey Nairobi Hanoi Brasilia \
    Rome Cape-Town Kabul Phoenix Montreal Athens Recife Lisbon Vienna Budapest Munich Warsaw Prague \
    Stockholm Oslo Helsinki Copenhagen Dublin Zurich Geneva Porto Krakow Riga Vilnius Tallinn";

/// Names of streets.
pub const STREETS: &str = "Main Oak Pine Maple Cedar Elm View Washington Lake Hill Walnut Spring North \
    Ridge Church Park Willow Mill River Sunset Railroad Jackson Cherry West South Center Highland \
    Johnson Forest Hickory Franklin College Meadow School Green Prospect Adams Dogwood Lincoln Locust \
    Poplar Chestnut Jefferson Broad Market Water Union Cemetery Court Grove Valley Bridge Garden";

/// What a street can be.
pub const STREET_KINDS: &str = "Street Avenue Road Lane Drive Court Way Place";

/// Domains of mail, the common ones first.
pub const DOMAINS: &str = "mail.example post.example letters.example inbox.example corp.example \
    office.example net.example uni.example labs.example home.example";

/// What people do.
pub const TITLES: &str = "title/engineer title/manager title/analyst title/designer title/nurse \
    title/teacher title/driver title/cook title/accountant title/clerk title/director title/farmer";

/// What companies are called, the two words one after the other.
pub const COMPANY_WORDS: &str = "Northern Global United Royal Pacific Central Summit Pioneer Liberty \
    Evergreen Crystal Golden Silver Atlas Beacon Harbor Keystone Meridian Sterling Vanguard Apex \
    Horizon Cascade Redwood Granite Falcon Orchid Lantern Compass Anchor";

/// What companies do.
pub const COMPANY_KINDS: &str =
    "Systems Foods Logistics Energy Textiles Motors Media Insurance Labs Works Mining Shipping";
