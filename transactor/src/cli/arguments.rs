//! The command line as it was typed, before files and defaults are taken into account.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const ABOUT: &str = "A database that is an immutable value in a bucket.";

const EXAMPLES: &str = r#"Examples:
  duramen demo
      Shows the whole of it on this machine, in seconds.

  duramen serve --store file:///tmp/shop
  duramen create inventory
  duramen transact inventory '[{:item/sku "oak-12" :item/left 40}]'
      Serves a folder, creates a database in it, and transacts.

  duramen query --db file:///tmp/shop/inventory '[:find ?sku :where [_ :item/sku ?sku]]'
  duramen query --db cat=s3://catalogue/shop --db inv=file:///tmp/shop/inventory \
      '[:find ?title ?left :in $cat $inv
        :where [$cat ?b :book/sku ?s] [$cat ?b :book/title ?title]
               [$inv ?i :item/sku ?s] [$inv ?i :item/left ?left]]'
      Asks a database, and two at once. Only the buckets are read.

Settings come from flags, then from the environment (DURAMEN_STORE, DURAMEN_SERVER, …; AWS_…,
GOOGLE_…, AZURE_… for stores), then from a file: --config, DURAMEN_CONFIG, or ./duramen.toml.

Exit codes:
  0  done                          6  not available: nothing was applied, try again
  2  wrong use of the command      7  unknown: it may have been applied
  3  invalid transaction or query  8  damaged data
  4  no such database or bucket    9  written by a newer version
  5  conflict, or already there   10  access denied
"#;

/// What was typed.
#[derive(Debug, Parser)]
#[command(name = "duramen", version, about = ABOUT, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Arguments {
    /// A file with settings, in TOML.
    #[arg(long, global = true, env = "DURAMEN_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// An option of the stores, such as aws_endpoint=http://127.0.0.1:9000. Repeatable.
    #[arg(long = "store-option", global = true, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) store_options: Vec<(String, String)>,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the transactor: the one that writes to the databases of a store.
    Serve(Serve),
    /// Creates an empty database.
    Create(OfDatabase),
    /// Lists the databases of a transactor.
    List(OfServer),
    /// Gives up a database. Its name can be used again.
    Drop(OfDatabase),
    /// Applies transactions to a database.
    Transact(Transact),
    /// Asks one database or several, straight from their buckets.
    Query(Query),
    /// Shows an entity, straight from the bucket.
    Pull(Pull),
    /// Asks databases one question after the other, from a terminal or a pipe.
    Shell(Shell),
    /// Shows what was transacted, straight from the bucket.
    Log(Log),
    /// Tells how a transactor is doing, or with --db a database in its bucket.
    Status(Status),
    /// Reads a whole database in its bucket, and tells whether it is damaged.
    Verify(Verify),
    /// Loads rows of a CSV or JSON Lines file into a database.
    Import(Import),
    /// Shows the whole of it on this machine: two teams, two stores, one join.
    Demo(Demo),
}

/// Where a transactor answers.
#[derive(Debug, Args)]
pub(crate) struct OfServer {
    /// The address of the transactor [default: http://127.0.0.1:7707].
    #[arg(long, env = "DURAMEN_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
}

/// One database of a transactor.
#[derive(Debug, Args)]
pub(crate) struct OfDatabase {
    /// The name of the database: 1 to 64 of a-z, 0-9, '_' and '-'.
    pub(crate) database: String,
    #[command(flatten)]
    pub(crate) at: OfServer,
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
pub(crate) struct Format {
    /// Prints JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Prints EDN.
    #[arg(long)]
    pub(crate) edn: bool,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

#[derive(Debug, Args)]
#[command(after_help = r#"Examples:
  duramen serve --store file:///var/lib/duramen
  duramen serve --store s3://bucket/prefix --listen 0.0.0.0:7707 --http 0.0.0.0:7708
  AWS_ENDPOINT=http://127.0.0.1:9000 AWS_ALLOW_HTTP=true duramen serve --store s3://bucket

It keeps nothing on disk. SIGTERM drains: what was accepted is published, then the process ends.

The same in a file, duramen.toml, with options of the store and numbers to run by:
  store = "s3://bucket/prefix"
  listen = "0.0.0.0:7707"
  [store_options]
  aws_region = "eu-central-1"
  [transactor]
  cache_bytes_max = 1_000_000_000"#)]
pub(crate) struct Serve {
    /// The store: s3://bucket/prefix, gs://…, az://…, file:///folder, memory://name.
    #[arg(long, env = "DURAMEN_STORE", value_name = "URL")]
    pub(crate) store: Option<String>,
    /// Where to answer gRPC [default: 127.0.0.1:7707]. Port 0 takes a free one.
    #[arg(long, env = "DURAMEN_LISTEN", value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Where to answer HTTP (/livez, /readyz, /metrics), or "off" [default: 127.0.0.1:7708].
    #[arg(long, env = "DURAMEN_HTTP", value_name = "ADDRESS")]
    pub(crate) http: Option<String>,
    /// The address that clients of another transactor are referred to.
    #[arg(long, env = "DURAMEN_ADDRESS", value_name = "URL")]
    pub(crate) address: Option<String>,
    /// How log lines are written, to standard error.
    #[arg(long, env = "DURAMEN_LOG_FORMAT", value_enum, default_value = "text")]
    pub(crate) log_format: LogFormat,
}

#[derive(Debug, Args)]
#[command(after_help = r#"Examples:
  duramen transact shop '[{:item/sku "oak-12" :item/left 40}]'
  duramen transact shop '[[:db/retract [:item/sku "oak-12"] :item/left 40]]' --datoms
  duramen transact shop --file schema.edn       # each top-level vector is one transaction
  generate | duramen transact shop -"#)]
pub(crate) struct Transact {
    #[command(flatten)]
    pub(crate) of: OfDatabase,
    /// The transaction, as EDN; "-" reads standard input.
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pub(crate) data: Option<String>,
    /// A file of transactions: each top-level vector is one.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// A UUID that makes repeating this very request harmless.
    #[arg(long, value_name = "UUID")]
    pub(crate) request_id: Option<String>,
    /// Prints the datoms too.
    #[arg(long)]
    pub(crate) datoms: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Databases to read, and how they are looked at.
#[derive(Debug, Args)]
pub(crate) struct Sources {
    /// A database: its URL, or NAME=URL to have it as $NAME. Repeatable.
    #[arg(long = "db", required = true, value_name = "[NAME=]URL")]
    pub(crate) databases: Vec<String>,
    /// Looks at a database as of a transaction or an instant. Repeatable.
    #[arg(long, value_name = "[NAME=]TIME")]
    pub(crate) as_of: Vec<String>,
    /// Looks at what was added to a database after a transaction or an instant. Repeatable.
    #[arg(long, value_name = "[NAME=]TIME")]
    pub(crate) since: Vec<String>,
    /// Looks at everything a database ever held, retractions included. Repeatable.
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true,
          default_missing_value = "")]
    pub(crate) history: Vec<String>,
    /// Tells on standard error what the answer cost: requests, bytes, time.
    #[arg(long)]
    pub(crate) stats: bool,
    /// A folder that keeps what was read, for the next time and for other processes.
    #[arg(long, env = "DURAMEN_DISK_CACHE", value_name = "FOLDER")]
    pub(crate) disk_cache: Option<PathBuf>,
    /// How much that folder may take, in MiB.
    #[arg(long, env = "DURAMEN_DISK_CACHE_MIB", value_name = "MIB", default_value_t = 1024,
          value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    pub(crate) disk_cache_mib: u64,
}

#[derive(Debug, Args)]
#[command(after_help = r#"Examples:
  duramen query --db file:///tmp/shop/inventory '[:find ?s ?n :where [?e :item/sku ?s] [?e :item/left ?n]]'
  duramen query --db file:///tmp/shop/inventory --as-of 2024-05-01 '[:find (count ?e) :where [?e :item/sku]]'
  duramen query --db inv=s3://shop/inventory --in '["oak-12" "elm-3"]' \
      '[:find ?s ?n :in $inv [?s ...] :where [$inv ?e :item/sku ?s] [$inv ?e :item/left ?n]]'
  duramen query --db now=URL --db then=URL --as-of then=17 \
      '[:find ?e :in $now $then :where [$now ?e :item/left ?n] (not [$then ?e :item/left ?n])]'
  duramen query --db file:///tmp/shop/inventory --explain '[:find (count ?e) . :where [?e :item/sku]]'

Inputs are given in the order of :in. A database that stands there as $NAME is the one given as
NAME=URL; others are taken in the order given. --in gives the inputs that are no databases."#)]
pub(crate) struct Query {
    #[command(flatten)]
    pub(crate) sources: Sources,
    /// An input that is no database, as EDN. Repeatable.
    #[arg(long = "in", value_name = "EDN")]
    pub(crate) inputs: Vec<String>,
    /// The query, as EDN; "-" reads standard input.
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pub(crate) query: Option<String>,
    /// A file that holds the query.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Answers the query, and shows in place of the answer the steps that led to it: the rows that
    /// were expected and those that came, times, and what was fetched. With --json as JSON.
    #[arg(long)]
    pub(crate) explain: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
#[command(after_help = r#"Examples:
  duramen pull --db file:///tmp/shop/inventory '[*]' '[:item/sku "oak-12"]'
  duramen pull --db s3://shop/orders '[:order/no {:order/lines [*]}]' 562949953421313"#)]
pub(crate) struct Pull {
    #[command(flatten)]
    pub(crate) sources: Sources,
    /// The pattern, as EDN.
    pub(crate) pattern: String,
    /// The entity: an id, an ident, or a lookup ref, as EDN.
    pub(crate) entity: String,
    /// Prints JSON instead of EDN.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = r#"Examples:
  duramen shell file:///tmp/shop/inventory
  duramen shell cat=s3://catalogue/shop inv=file:///tmp/shop/inventory
  duramen shell --no-history file:///tmp/shop/inventory < questions.edn

Queries stand as they are, over as many lines as they need, with their inputs behind them; :help
shows the commands. In queries the first database is $, and each is $NAME. From a pipe it goes on
after a statement that fails, and ends with its exit code."#)]
pub(crate) struct Shell {
    /// Databases: the URL of each, or NAME=URL.
    #[arg(value_name = "[NAME=]URL")]
    pub(crate) databases: Vec<String>,
    /// Neither reads nor keeps a history of what is entered.
    #[arg(long)]
    pub(crate) no_history: bool,
    /// How many seconds a query may take; 0 for as long as it likes.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(crate) timeout: u64,
}

#[derive(Debug, Args)]
#[command(after_help = r#"Examples:
  duramen log --db file:///tmp/shop/inventory
  duramen log --db s3://shop/inventory --from 100 --to 200 --json"#)]
pub(crate) struct Log {
    /// The URL of the database.
    #[arg(long = "db", value_name = "URL")]
    pub(crate) database: String,
    /// The first transaction.
    #[arg(long, value_name = "T", default_value_t = 0)]
    pub(crate) from: u64,
    /// The transaction after the last.
    #[arg(long, value_name = "T")]
    pub(crate) to: Option<u64>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
#[command(after_help = r#"Examples:
  duramen verify --db file:///tmp/shop/inventory
  duramen verify --db s3://shop/inventory --json

It reads everything that the newest root reaches: claims, roots, the log, every node of every
index; and compares what each index holds with what the log says. It exits with 0 when all is as
it should be, with 8 when there is damage, which it lists. What is not reached takes up space only."#)]
pub(crate) struct Verify {
    /// The URL of the database.
    #[arg(long = "db", value_name = "URL")]
    pub(crate) database: String,
    /// Prints JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) at: OfServer,
    /// Asks the bucket instead of a transactor.
    #[arg(long = "db", value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Prints JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = r#"Examples:
  duramen import people people.csv --namespace person --key email
      Every column becomes an attribute: email is :person/email, and rows of one email are one entity.
  duramen import people people.jsonl --map id=:person/id:long --map mail=:person/email --key id
      Only the columns named are loaded. Types: boolean long double bigint bigdec string keyword
      symbol instant uuid uri; those not given are guessed from the first 1,000 rows.

  duramen import people people.csv --namespace person --key email \
      --bulk --store s3://bucket/prefix --memory 2GiB --work /var/tmp/people
      Makes the database, with no transactor, at several times the speed. It exists when the import
      is done, and not before. With --work, an import that broke off is gone on with by the same
      command.

Attributes that are missing are created, with the key as a unique identity. With a key, an import
that was interrupted is repeated as a whole: what is there already makes no datoms. Rows of one key
are transacted one after the other, in the order of the file: the last one wins, and what it says
nothing of stays. Other transactions overtake each other. --bulk keeps 37 bytes for each key in
memory, beside --memory."#)]
pub(crate) struct Import {
    #[command(flatten)]
    pub(crate) of: OfDatabase,
    /// The file: .csv, or .jsonl (one JSON object a line).
    pub(crate) file: PathBuf,
    /// The kind of file, where its name does not tell.
    #[arg(long, value_enum)]
    pub(crate) format: Option<ImportFormat>,
    /// Which attribute a column goes to. Repeatable; columns not named are left out.
    #[arg(long, value_name = "COLUMN=:ATTRIBUTE[:TYPE]", conflicts_with = "namespace")]
    pub(crate) map: Vec<String>,
    /// Makes an attribute of every column, in this namespace.
    #[arg(long, required_unless_present = "map")]
    pub(crate) namespace: Option<String>,
    /// The column that identifies a row.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) key: Option<String>,
    /// Rows in one transaction.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch: u32,
    /// Transactions under way at once.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) parallel: u32,
    /// The URL of the database, where that of the transactor's store does not hold here.
    #[arg(long = "db", value_name = "URL", conflicts_with = "bulk")]
    pub(crate) url: Option<String>,
    /// How many bad rows are passed over before the import stops.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) skip_bad: u64,
    /// Makes a new database, right in the store.
    #[arg(long)]
    pub(crate) bulk: bool,
    /// The store, for --bulk: s3://bucket/prefix, gs://…, az://…, file:///folder.
    #[arg(long, env = "DURAMEN_STORE", value_name = "URL")]
    pub(crate) store: Option<String>,
    /// About how much memory --bulk takes; what exceeds it is sorted in files.
    #[arg(long, default_value = "512MiB", value_name = "SIZE", value_parser = bytes)]
    pub(crate) memory: usize,
    /// A folder on a fast disk for --bulk to work in, and to go on from.
    #[arg(long, value_name = "FOLDER", requires = "bulk")]
    pub(crate) work: Option<PathBuf>,
}

/// A kind of file that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The folder to work in, which is kept; a temporary one is removed in the end.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Reads a size, as in `512MiB`.
fn bytes(text: &str) -> Result<usize, String> {
    let expected = || "expected a size such as 512MiB or 2GiB".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: usize = digits.trim_end().parse().map_err(|_| expected())?;
    let unit: usize = match &text[digits.len()..] {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(expected()),
    };
    number.checked_mul(unit).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn sizes_have_units() {
        assert_eq!(super::bytes("512MiB"), Ok(512 << 20));
        assert_eq!(super::bytes("7 KiB"), Ok(7 << 10));
        assert_eq!(super::bytes("12"), Ok(12));
        for wrong in ["", "MiB", "1MB", "-1", "99999999999999999999GiB", "99999999999GiB"] {
            assert!(super::bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
