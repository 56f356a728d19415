namespace PmemFleet.Lab.Scenarios;

/// <summary>What became of a scenario.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Passed">Every step and assertion held.</param>
/// <param name="Checks">Each of them.</param>
internal sealed record ScenarioVerdict(string Name, bool Passed, IReadOnlyList<ScenarioCheck> Checks);

/// <summary>One step or assertion.</summary>
/// <param name="What">Its name, or what it does.</param>
/// <param name="Passed">It held.</param>
/// <param name="Detail">What came instead, where it did not.</param>
internal sealed record ScenarioCheck(string What, bool Passed, string? Detail);
