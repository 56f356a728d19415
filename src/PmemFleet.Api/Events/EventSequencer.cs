namespace PmemFleet.Api.Events;

/// <summary>Numbers events that are committed.</summary>
public sealed class EventSequencer;
