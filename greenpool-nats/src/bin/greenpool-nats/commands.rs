//! What the commands do.

use std::error::Error;
use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

use greenpool_nats::{DeadJob, Farm, FarmError};
use tokio::time::sleep;

use crate::options::Command;
use crate::table::Table;

pub(crate) async fn run(farm: &Farm, command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Top { once } => return top(farm, once || !stdout().is_terminal()).await,
        Command::Workers => print(&workers(farm).await?)?,
        Command::Runs => print(&runs(farm).await?)?,
        Command::Dead => print(&dead(farm).await?)?,
        Command::DeadShow(id) => {
            let job = find(farm, &id).await?;
            let arguments = farm.dead().arguments(&job).await?;
            print(&format!("{}\n{}\narguments: {arguments}\n", job.id(), job.why))?;
        }
        Command::DeadRetry(id) => {
            farm.dead().retry(&find(farm, &id).await?).await?;
            print(&format!("{id} is queued again\n"))?;
        }
        Command::DeadRemove(id) => {
            farm.dead().remove(&find(farm, &id).await?).await?;
            print(&format!("{id} is removed\n"))?;
        }
        Command::Resize(name, size) => {
            farm.resize(&name, size).await?;
            print(&format!("{name} runs {size} jobs at once\n"))?;
        }
        Command::Remove(name, signature) => {
            farm.remove_function(&name, &signature).await?;
            print(&format!("{name} {signature} is removed\n"))?;
        }
    }
    Ok(())
}

/// Whoever reads may have gone, as `head` does.
fn print(text: &str) -> std::io::Result<()> {
    match stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

async fn top(farm: &Farm, once: bool) -> Result<(), Box<dyn Error>> {
    loop {
        let text = format!("{}\n{}", functions(farm).await?, workers(farm).await?);
        if once {
            return Ok(print(&text)?);
        }
        // To the upper left corner, and clear what follows.
        print(&format!("\x1b[H\x1b[J{text}"))?;
        sleep(Duration::from_secs(1)).await;
    }
}

async fn functions(farm: &Farm) -> Result<String, FarmError> {
    let mut table = Table::new(&["FUNCTION", "SIGNATURE", "SIZE", "RUNNING", "WAITING", "WORKERS", "DONE", "FAILED"]);
    let workers = farm.workers().await?;
    for function in farm.functions().await? {
        let of_worker = workers.iter().flat_map(|worker| &worker.functions);
        let served: Vec<_> =
            of_worker.filter(|served| served.name == function.name && served.signature == function.signature).collect();
        table.row([
            &function.name,
            &function.signature,
            &function.size.map_or("-".to_owned(), |size| size.to_string()),
            &function.running,
            &function.waiting,
            &served.len(),
            &served.iter().map(|served| served.done).sum::<u64>(),
            &served.iter().map(|served| served.failed).sum::<u64>(),
        ]);
    }
    Ok(if table.is_empty() { "no functions\n".to_owned() } else { table.to_string() })
}

async fn workers(farm: &Farm) -> Result<String, FarmError> {
    let mut table = Table::new(&["WORKER", "HOST", "PID", "RUNNING", "PLACES", "STATE"]);
    let mut jobs = Table::new(&["WORKER", "JOB", "FUNCTION", "SECONDS", "DELIVERY", ""]);
    for worker in farm.workers().await? {
        let places: usize = worker.functions.iter().map(|served| served.places).sum();
        let state = if worker.draining { "leaving" } else { "working" };
        table.row([&worker.id, &worker.host, &worker.pid, &worker.running.len(), &places, &state]);
        for job in &worker.running {
            let alone = if job.quarantined { "alone" } else { "" };
            let seconds = format!("{:.1}", Duration::from_millis(job.ms).as_secs_f64());
            jobs.row([&worker.id, &job.job, &job.function, &seconds, &job.delivered, &alone]);
        }
    }
    Ok(match (table.is_empty(), jobs.is_empty()) {
        (true, _) => "no workers\n".to_owned(),
        (false, true) => table.to_string(),
        (false, false) => format!("{table}\n{jobs}"),
    })
}

async fn runs(farm: &Farm) -> Result<String, FarmError> {
    let mut table = Table::new(&["FUNCTION", "RUN", "RESULTS"]);
    for run in farm.runs().await? {
        table.row([&run.function, &run.run, &run.results]);
    }
    Ok(if table.is_empty() { "no runs\n".to_owned() } else { table.to_string() })
}

async fn dead(farm: &Farm) -> Result<String, FarmError> {
    let mut table = Table::new(&["ID", "WHY"]);
    for job in farm.dead().list().await? {
        table.row([&job.id(), &job.why]);
    }
    Ok(if table.is_empty() { "no dead jobs\n".to_owned() } else { table.to_string() })
}

async fn find(farm: &Farm, id: &str) -> Result<DeadJob, Box<dyn Error>> {
    let found = farm.dead().list().await?.into_iter().find(|job| job.id() == id);
    found.ok_or_else(|| format!("there is no dead job {id}").into())
}
