using PmemFleet.Worker;

await WorkerHost.Build(args).RunAsync();
