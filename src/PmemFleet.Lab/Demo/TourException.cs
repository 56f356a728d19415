using PmemFleet.Contracts.Problems;

namespace PmemFleet.Lab.Demo;

/// <summary>A step of the tour failed; the demo exits non-zero and says so.</summary>
internal sealed class TourException(string message) : Exception(message)
{
    /// <summary>The problem document, where the API refused.</summary>
    public ProblemDto? Problem { get; init; }

    /// <summary>The simulated host was booted anew under the step: its processes are gone and the step starts over.</summary>
    public bool ProcessIsGone => Problem is { Status: 404 };
}
