// The jobs of the bench on BullMQ with Redis.
//
// `node bullmq_peer.cjs work PLACES` works, and `node bullmq_peer.cjs submit JOBS SINGLES` submits: it prints how many
// jobs that do nothing are done per second, and the median time of one job in seconds.

const { createRequire } = require("node:module");
const { Queue, QueueEvents, Worker } = createRequire(`${process.env.PEER_MODULES}/`)("bullmq");

const { hostname: host, port } = new URL(process.env.REDIS_URL);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const name = "work";

const order = (id) => ({ id, milliseconds: 0, article: "a pound of tea" });
const now = () => performance.now() / 1000;

function work(concurrency) {
    new Worker(name, async (job) => ({ id: job.data.id, process: process.pid }), { connection, concurrency });
}

async function submit(jobs, singles) {
    const queue = new Queue(name, { connection, defaultJobOptions: { removeOnComplete: 1000 } });
    const events = new QueueEvents(name, { connection });
    await events.waitUntilReady();
    const run = async (id) => {
        const result = await (await queue.add(name, order(id))).waitUntilFinished(events);
        if (result.id !== id) throw new Error(`${id}: ${result.id}`);
    };
    await run(0);

    // As many jobs are out as the window of the function on a farm has places.
    let begin = now();
    let next = 0;
    const lanes = Array.from({ length: 200 }, async () => {
        while (next < jobs) await run(next++);
    });
    await Promise.all(lanes);
    const rate = jobs / (now() - begin);

    const times = [];
    for (let id = 0; id < singles; id++) {
        begin = now();
        await run(id);
        times.push(now() - begin);
    }
    times.sort((a, b) => a - b);
    console.log(rate, times[singles >> 1]);
    process.exit(0);
}

const [role, ...numbers] = process.argv.slice(2);
(role === "work" ? work : submit)(...numbers.map(Number));
