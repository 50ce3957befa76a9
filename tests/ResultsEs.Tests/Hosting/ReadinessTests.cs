using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Hosting;

/// <summary>What strangers can have the service look at.</summary>
public sealed class ReadinessTests : IHealthCheck
{
    private HealthStatus _status = HealthStatus.Healthy;
    private int _looks;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task However_many_ask_it_is_looked_once_a_second_and_only_the_status_is_told()
    {
        await using var host = await AccessHost.StartAsync(services: services => services.AddHealthChecks().AddCheck("part", this));
        using var http = host.Anonymous();

        Assert.All(await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => AskAsync())), told => Assert.Equal("""200 {"status":"Healthy"}""", told));
        _status = HealthStatus.Unhealthy;
        Assert.Equal("""200 {"status":"Healthy"}""", await AskAsync());
        Assert.Equal(1, _looks);

        host.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("""503 {"status":"Unhealthy"}""", await AskAsync());
        Assert.Equal(2, _looks);

        async Task<string> AskAsync()
        {
            using var answer = await http.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancelled);
            return $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(Cancelled)}";
        }
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _looks);
        return Task.FromResult(new HealthCheckResult(_status, "a secret of operators"));
    }
}
