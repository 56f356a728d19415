namespace PmemFleet.Api.DataPlane;

/// <summary>The worker does the controller's writes: their Idempotency-Keys are in its memory and not in the database.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class DoneByWorkerAttribute : Attribute;
