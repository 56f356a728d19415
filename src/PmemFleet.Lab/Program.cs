using PmemFleet.Lab;

return await LabCommand.RunAsync(args);
