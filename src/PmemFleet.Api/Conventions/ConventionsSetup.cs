using System.Diagnostics;
using Microsoft.AspNetCore.Mvc.Formatters;
using Microsoft.AspNetCore.Mvc.ModelBinding.Metadata;
using PmemFleet.Api.Access;
using PmemFleet.Api.Fleets;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Idempotency;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts;

namespace PmemFleet.Api.Conventions;

/// <summary>Controllers with the conventions of every endpoint.</summary>
public static class ConventionsSetup
{
    public static IServiceCollection AddFleetConventions(this IServiceCollection services)
    {
        services.AddExceptionHandler<UnhandledExceptionHandler>();
        services.AddScoped<FleetWrite>().AddSingleton<GroupedWrites>();
        services.AddHostedService<IdempotencyExpiry>();
        services.AddRouting(options => options.LowercaseUrls = true);
        services.AddControllers(options =>
            {
                options.InputFormatters.Clear();
                options.InputFormatters.Add(new FleetJsonInputFormatter());
                options.InputFormatters.Add(new FleetYamlInputFormatter());
                options.OutputFormatters.RemoveType<StringOutputFormatter>();
                options.Conventions.Add(new RoleConvention());
                options.Filters.Add<RequestConventions>();
                options.ModelMetadataDetailsProviders.Add(new SystemTextJsonValidationMetadataProvider());
                options.ModelBindingMessageProvider.SetValueIsInvalidAccessor(value => $"'{value}' is not valid.");
                options.ModelBindingMessageProvider.SetAttemptedValueIsInvalidAccessor((value, name) => $"'{value}' is not valid.");
                options.SuppressAsyncSuffixInActionNames = true;
            })
            .AddApplicationPart(typeof(ConventionsSetup).Assembly)
            .ConfigureApiBehaviorOptions(options =>
            {
                options.SuppressMapClientErrors = true;
                options.InvalidModelStateResponseFactory = ModelStateProblem.ToResult;
            })
            .AddJsonOptions(options =>
            {
                options.JsonSerializerOptions.TypeInfoResolverChain.Insert(0, FleetJsonContext.Default);
                options.JsonSerializerOptions.MaxDepth = FleetJsonContext.Default.Options.MaxDepth;
                options.AllowInputFormatterExceptionMessages = false;
            });
        return services;
    }

    /// <summary>Outermost: the trace id on every answer, problem documents for whatever went wrong within.</summary>
    public static void UseFleetConventions(this WebApplication app, int maxJsonBytes)
    {
        app.Use((http, next) =>
        {
            // at the start of the answer: the exception handler clears what was set before
            http.Response.OnStarting(() =>
            {
                http.Response.Headers["Trace-Id"] = Activity.Current?.TraceId.ToHexString() ?? http.TraceIdentifier;
                SecurityHeaders.Set(http);
                return Task.CompletedTask;
            });
            BodyLimit.Set(http, maxJsonBytes);
            return next(http);
        });
        app.Use(RequestTarget.LimitAsync);

        // UnhandledExceptionHandler answers every one; this never gets its turn
        app.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = StatusProblems.WriteAsync, SuppressDiagnosticsCallback = _ => true });
        app.UseStatusCodePages(context => StatusProblems.WriteAsync(context.HttpContext));
    }
}
