using PmemFleet.Api.Hosting;

var migrate = args.Contains("--migrate");
await using var app = ApiHost.Build([.. args.Where(arg => arg != "--migrate")]);
if (migrate)
{
    await ApiHost.MigrateAsync(app);
}
else
{
    await app.RunAsync();
}
