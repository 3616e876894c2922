//! Load: the database.

use std::panic;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use greenpool::green_pool;
use rusqlite::{Connection, Result, params};
use tokio::task;

use crate::sale::Converted;

pub(crate) type Database = Arc<Mutex<Connection>>;

/// Creates the database and its tables.
pub(crate) fn create(path: &Path) -> Result<Database> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "pragma journal_mode = wal;
         pragma synchronous = normal;
         create table sales (date text not null, shop text not null, item text not null,
                             quantity integer not null, cents integer not null);
         create table rejects (line integer not null, reason text not null, text text not null);",
    )?;
    Ok(Arc::new(Mutex::new(connection)))
}

// ANCHOR: store
/// Stores one batch in one transaction, all or nothing. `SQLite` allows one writer, so the
/// pool has one slot.
#[green_pool(size = 1)]
pub(crate) async fn store(database: Database, batch: Converted) -> Result<Converted> {
    let work = move || {
        // If the lock is poisoned, the panic rolled its transaction back.
        let mut connection = database.lock().unwrap_or_else(PoisonError::into_inner);
        insert(&mut connection, &batch).map(|()| batch)
    };
    match task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => panic::resume_unwind(error.into_panic()),
    }
}
// ANCHOR_END: store

fn insert(connection: &mut Connection, batch: &Converted) -> Result<()> {
    let transaction = connection.transaction()?;
    {
        let mut sale = transaction.prepare("insert into sales values (?, ?, ?, ?, ?)")?;
        for row in &batch.sales {
            sale.execute(params![row.date, row.shop, row.item, row.quantity, row.cents])?;
        }
        let mut reject = transaction.prepare("insert into rejects values (?, ?, ?)")?;
        for row in &batch.rejects {
            reject.execute(params![i64::try_from(row.line).unwrap_or(i64::MAX), row.reason, row.text])?;
        }
    }
    transaction.commit()
}

/// The contents of the database: the number of sales and rejects, and the items with the highest revenue.
pub(crate) struct Stock {
    pub(crate) sales: u64,
    pub(crate) rejects: u64,
    pub(crate) best: Vec<(String, u64, i64)>,
}

/// Queries the database itself instead of trusting this program's own counts.
pub(crate) fn take_stock(database: &Database) -> Result<Stock> {
    let connection = database.lock().unwrap_or_else(PoisonError::into_inner);
    let count = |table| connection.query_row(&format!("select count(*) from {table}"), [], |row| row.get::<_, i64>(0));
    let mut best = connection.prepare(
        "select item, sum(quantity), sum(quantity * cents) from sales group by item order by 3 desc, 1 limit 5",
    )?;
    let rows = best.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs(), row.get(2)?)))?;
    let (sales, rejects) = (count("sales")?.unsigned_abs(), count("rejects")?.unsigned_abs());
    Ok(Stock { sales, rejects, best: rows.collect::<Result<_>>()? })
}
