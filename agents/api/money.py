"""Spend and budget in the API. Amounts are µ$."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents.actions import money
from agents.api.serializers import BudgetSerializer, SpendSerializer, TodayInput
from agents.budget import reports
from jobs.api.ownership import own_job, user_of
from jobs.api.refusals import NOT_FOUND, REFUSALS
from jobs.api.serializers import ErrorSerializer


class SpendView(APIView):
    @extend_schema(responses={200: SpendSerializer, **NOT_FOUND})
    def get(self, request: Request, job_id: UUID) -> Response:
        return Response(SpendSerializer(reports.spend_of(own_job(request, job_id))).data)


class BudgetView(APIView):
    @extend_schema(responses={200: BudgetSerializer, **REFUSALS})
    def get(self, request: Request) -> Response:
        return Response(BudgetSerializer(reports.budget_of(user_of(request))).data)


class TodayView(APIView):
    throttle_scope = "money"

    @extend_schema(
        request=TodayInput,
        responses={200: BudgetSerializer, **REFUSALS, 400: ErrorSerializer, 402: ErrorSerializer},
    )
    def post(self, request: Request) -> Response:
        """Set what today may cost, within the period's money. It takes effect at once."""
        given = TodayInput(data=request.data)
        given.is_valid(raise_exception=True)
        money.set_today(user_of(request), given.validated_data["amount_microdollars"], user_of(request))
        return Response(BudgetSerializer(reports.budget_of(user_of(request))).data)
