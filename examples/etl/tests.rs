//! Every row of the CSV file is in the database, as a sale or as a reject with a reason.

#[allow(dead_code, reason = "not every test uses all of it")]
#[path = "../tests/program/mod.rs"]
mod program;

use std::path::Path;
use std::sync::LazyLock;

use program::Program;
use rusqlite::{Connection, Row};
use tempfile::TempDir;

static ETL: LazyLock<Program> = LazyLock::new(|| Program::build("etl"));

const GOOD: &str = "2026-11-25,\"old, mill\",pears,12,0.35\n";

#[tokio::test]
async fn no_row_is_lost_for_any_batch_size() {
    for (batch, jobs) in [("1", "1"), ("7", "3"), ("1000", "2")] {
        let folder = Folder::with(&format!("date,shop,item,quantity,price\n{}", GOOD.repeat(500)));
        let text = ETL.prints(&["--batch", batch, "--jobs", jobs, &folder.csv, "--db", &folder.db], 0).await;
        assert!(text.contains("500 rows stored, 0 set aside"), "{text}");
        let sums = "select count(*), sum(quantity), sum(cents), count(distinct shop) from sales";
        assert_eq!(folder.ask(sums), [500, 6_000, 17_500, 1]);
    }
}

#[tokio::test]
async fn bad_rows_are_set_aside_with_their_lines() {
    let bad = ["2026-02-30,mill,pears,1,1", "2026-11-25,mill,pears,none,1", "2026-11-25,mill,pears,1"];
    let folder = Folder::with(&format!("{}\n{}\n", head(), bad.join("\n")));
    let printed = ETL.prints(&["--batch", "2", &folder.csv, "--db", &folder.db], 1).await;
    assert!(printed.contains("1 rows stored, 3 set aside"), "{printed}");
    assert!(printed.contains("line 3: `2026-02-30` is not a date: 2026-02-30,mill,pears,1,1"), "{printed}");
    assert!(printed.contains("line 4: `none` is not a quantity"), "{printed}");
    assert!(printed.contains("line 5: 4 fields instead of 5"), "{printed}");
    assert_eq!(folder.ask("select count(*), min(line), max(line) from rejects"), [3, 3, 5]);
}

#[tokio::test]
async fn the_columns_may_come_in_any_order() {
    let folder = Folder::with("price,item,note,date,shop,quantity\n7.5,plums,ripe,2026-11-25,mill,2\n");
    ETL.prints(&[&folder.csv, "--db", &folder.db], 0).await;
    assert_eq!(folder.ask("select quantity, cents from sales where item = 'plums'"), [2, 750]);
}

#[tokio::test]
async fn invalid_utf8_is_a_bad_row() {
    let folder = Folder::with(&head());
    let mut bytes = std::fs::read(&folder.csv).unwrap();
    bytes.extend(b"\n2026-11-25,m\xff,pears,1,1\n");
    std::fs::write(&folder.csv, bytes).unwrap();
    let printed = ETL.prints(&[&folder.csv, "--db", &folder.db], 1).await;
    assert!(printed.contains("1 rows stored, 1 set aside"), "{printed}");
}

#[tokio::test]
async fn the_demonstration_has_good_and_bad_rows() {
    let printed = ETL.prints(&["--rows", "60000"], 0).await;
    let numbers = printed.split(" rows stored, ").collect::<Vec<_>>();
    let stored: u32 = numbers[0].replace(',', "").parse().unwrap();
    let aside: u32 = numbers[1].split(' ').next().unwrap().parse().unwrap();
    assert_eq!(stored + aside, 60_000);
    assert!(aside > 0);
}

#[tokio::test]
async fn a_missing_column_is_reported() {
    let folder = Folder::with("date,shop,quantity\n2026-11-25,mill,1\n");
    let output = ETL.run(&[&folder.csv, "--db", &folder.db]).await;
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("no column `item`"), "{message}");
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_ends_it_with_a_word() {
    let text = ETL.interrupted(&["--rows", "100000000"], "generating").await;
    assert_eq!(text, "interrupted; nothing was loaded\n");
}

#[tokio::test]
async fn bad_usage_is_refused_with_advice() {
    let folder = Folder::with(&head());
    ETL.refuses(&["no/such/file", "--db", &folder.db], "give a CSV file").await;
    ETL.refuses(&[&folder.csv], "--db").await;
    ETL.refuses(&[&folder.csv, "--db", &folder.csv], "path of a new database").await;
    ETL.refuses(&["--batch", "0"], "from 1 to").await;
    ETL.refuses(&["--row", "1"], "--rows").await;
}

/// The header line and a valid row.
fn head() -> String {
    format!("date,shop,item,quantity,price\n{}", GOOD.trim_end())
}

struct Folder {
    csv: String,
    db: String,
    _alive: TempDir,
}

impl Folder {
    fn with(csv: &str) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (file, db) = (path("sales.csv"), path("sales.db"));
        std::fs::write(Path::new(&file), csv).unwrap();
        Self { csv: file, db, _alive: folder }
    }

    fn ask(&self, query: &str) -> Vec<i64> {
        let connection = Connection::open(&self.db).unwrap();
        let row = |row: &Row<'_>| (0..row.as_ref().column_count()).map(|at| row.get(at)).collect();
        connection.query_row(query, [], row).unwrap()
    }
}
