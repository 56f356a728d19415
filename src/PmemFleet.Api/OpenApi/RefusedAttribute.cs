using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.OpenApi;

/// <summary>A status that answers with a problem document, and when. What every endpoint can answer (400, 401, 403, …) need not be said.</summary>
public sealed class RefusedAttribute : ProducesResponseTypeAttribute
{
    public RefusedAttribute(int status, string when)
        : base(typeof(ProblemDto), status, FleetProblem.MediaType) => (When, Description) = (when, when);

    public string When { get; }
}

/// <summary>A status that answers with a resource, and what it means.</summary>
/// <typeparam name="T">The resource.</typeparam>
public sealed class AnswersAttribute<T> : ProducesResponseTypeAttribute
{
    public AnswersAttribute(int status, string what, string contentType = "application/json")
        : base(typeof(T), status, contentType) => (What, Description) = (what, what);

    public string What { get; }
}

/// <summary>A status without a body.</summary>
public sealed class AnswersNothingAttribute : ProducesResponseTypeAttribute
{
    public AnswersNothingAttribute(int status, string what)
        : base(status) => (What, Description) = (what, what);

    public string What { get; }
}
