using PmemFleet.Api.Hosting;

await ApiHost.Build(args).RunAsync();
